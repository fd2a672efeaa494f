//! Names of people: first names and surnames of seventeen areas, mixed, and some in their own script.

use super::places::Area;
use super::random::Draw;

/// A name. One in twelve of those whose language has a script of its own is written in it.
pub(super) fn name(draw: &mut Draw, area: Area, feminine: bool) -> String {
    let script = in_script(area)[usize::from(!feminine)];
    if !script.is_empty() && draw.chance(8) {
        return draw.pick(script).to_owned();
    }
    let [women, men, surnames] = latin(area);
    let first = draw.pick(if feminine { women } else { men });
    let last = draw.pick(surnames);
    if draw.chance(40) { format!("{first} {}.", last.chars().next().unwrap_or('X')) } else { format!("{first} {last}") }
}

/// First names of women, first names of men, and surnames.
#[rustfmt::skip]
fn latin(area: Area) -> [&'static [&'static str]; 3] {
    match area {
        Area::Anglo => [
            &["Ada", "Grace", "Hannah", "Emily", "Olivia", "Ruth", "Megan", "Chloe", "Nora", "Abigail", "Tessa",
              "Joan", "Jordan", "Riley"],
            &["James", "Oliver", "Samuel", "Liam", "Henry", "Caleb", "Marcus", "Tyrone", "Derek", "Owen", "Isaac",
              "Jordan", "Riley"],
            &["Walker", "Bennett", "Hughes", "Foster", "Coleman", "Reed", "Harper", "Doyle", "Campbell", "Murphy",
              "Price", "Turner", "Washington", "Brooks", "Ellis", "Fraser", "Quinn", "Barnes", "Whitfield", "Sutton"],
        ],
        Area::Hispanic => [
            &["Lucía", "Valentina", "Camila", "Ximena", "Rosa", "Elena", "Paula", "Mariana"],
            &["Diego", "Mateo", "Javier", "Andrés", "Luis", "Emilio", "Tomás", "Joaquín"],
            &["García", "Herrera", "Morales", "Castillo", "Vargas", "Rojas", "Navarro", "Ortiz", "Mendoza", "Peña",
              "Salazar", "Ibáñez"],
        ],
        Area::Lusophone => [
            &["Beatriz", "Larissa", "Inês", "Joana", "Mariana", "Thaís"],
            &["João", "Rafael", "Tiago", "Caio", "Duarte", "Gustavo"],
            &["Silva", "Oliveira", "Carvalho", "Ferreira", "Barbosa", "Nunes", "Teixeira", "Moreira", "Azevedo"],
        ],
        Area::Francophone => [
            &["Camille", "Élodie", "Aïssatou", "Manon", "Fatou", "Solène"],
            &["Hugo", "Mathieu", "Ousmane", "Julien", "Cheikh", "Rémi"],
            &["Dubois", "Lefèvre", "Diop", "Moreau", "Ndiaye", "Girard", "Tremblay", "Fontaine", "Sow", "Gagnon"],
        ],
        Area::German => [
            &["Anna", "Lena", "Katharina", "Greta", "Johanna", "Miriam"],
            &["Lukas", "Jonas", "Felix", "Matthias", "Emil", "Jürgen"],
            &["Schneider", "Fischer", "Hoffmann", "Krüger", "Baumann", "Vogel", "Huber", "Köhler", "Zimmermann",
              "Brandt"],
        ],
        Area::Italian => [
            &["Giulia", "Chiara", "Francesca", "Elisa", "Marta"],
            &["Matteo", "Lorenzo", "Davide", "Paolo", "Nicolò"],
            &["Rossi", "Ferrari", "Esposito", "Marino", "Greco", "Conti", "Fontana", "Caruso"],
        ],
        Area::Nordic => [
            &["Astrid", "Ingrid", "Freja", "Maja", "Sigrid"],
            &["Lars", "Erik", "Nils", "Henrik", "Åke"],
            &["Lindqvist", "Hansen", "Berg", "Johansson", "Solberg", "Nyström", "Dahl", "Ekström"],
        ],
        Area::Slavic => [
            &["Agnieszka", "Zofia", "Milena", "Tereza", "Jana", "Olena"],
            &["Piotr", "Tomasz", "Marek", "Jakub", "Ondřej", "Dmytro"],
            &["Nowak", "Mazur", "Kowalczyk", "Wójcik", "Melnyk", "Bielak", "Krejčí", "Wróbel"],
        ],
        Area::Turkish => [
            &["Elif", "Zeynep", "Defne", "Ayşe", "Selin"],
            &["Emre", "Can", "Mehmet", "Burak", "Ozan"],
            &["Yılmaz", "Demir", "Kaya", "Şahin", "Aydın", "Öztürk", "Koç"],
        ],
        Area::Arabic => [
            &["Layla", "Amira", "Noor", "Yasmin", "Huda", "Salma"],
            &["Omar", "Karim", "Youssef", "Tariq", "Hassan", "Bilal"],
            &["Haddad", "Mansour", "El Amrani", "Khalil", "Nasser", "Saleh", "Benali", "Qasim", "Farouk"],
        ],
        Area::Hebrew => [
            &["Noa", "Tamar", "Shira", "Yael", "Maya"],
            &["Eitan", "Amit", "Yonatan", "Ori", "Gil"],
            &["Cohen", "Mizrahi", "Peretz", "Friedman", "Shapira", "Azoulay", "Barak"],
        ],
        Area::Indian => [
            &["Priya", "Ananya", "Kavya", "Meera", "Lakshmi", "Fatima", "Divya"],
            &["Arjun", "Rohan", "Vikram", "Imran", "Sanjay", "Nikhil", "Harpreet"],
            &["Sharma", "Patel", "Iyer", "Reddy", "Kulkarni", "Singh", "Das", "Nair", "Khan", "Banerjee", "Joshi",
              "Desai"],
        ],
        Area::Chinese => [
            &["Mei", "Xiaolin", "Jing", "Yan", "Lin", "Hui"],
            &["Wei", "Jun", "Hao", "Ming", "Tao", "Yifan"],
            &["Chen", "Wang", "Liu", "Zhang", "Huang", "Zhou", "Wu", "Xu", "Lin", "Guo", "Tang"],
        ],
        Area::Japanese => [
            &["Haruka", "Yuki", "Aiko", "Sakura", "Naomi"],
            &["Kenji", "Daichi", "Takeshi", "Haruto", "Ren"],
            &["Tanaka", "Suzuki", "Watanabe", "Kobayashi", "Mori", "Nakamura", "Ishikawa", "Fujita"],
        ],
        Area::Korean => [
            &["Ji-woo", "Seo-yeon", "Min-ji", "Hye-jin", "Eun-bi"],
            &["Min-jun", "Ji-ho", "Seung-ho", "Dong-hyun"],
            &["Kim", "Lee", "Park", "Choi", "Jung", "Kang", "Yoon", "Han"],
        ],
        Area::SoutheastAsian => [
            &["Linh", "Thuy", "Siti", "Dewi", "Maricel", "Analyn"],
            &["Minh", "Duc", "Budi", "Agus", "Jomar", "Rizal"],
            &["Nguyen", "Tran", "Pham", "Santoso", "Wijaya", "Reyes", "Santos", "Dela Cruz", "Bautista", "Hidayat"],
        ],
        Area::African => [
            &["Amara", "Ngozi", "Wanjiru", "Abena", "Thandiwe", "Achieng", "Zainab"],
            &["Chidi", "Kwame", "Kofi", "Baraka", "Sipho", "Tunde", "Juma"],
            &["Okafor", "Mensah", "Kamau", "Dlamini", "Adeyemi", "Owusu", "Otieno", "Nkosi", "Balogun", "Mwangi",
              "Mukasa"],
        ],
    }
}

/// Whole names of women and of men in a script other than Latin, some of them written from right to left.
#[rustfmt::skip]
fn in_script(area: Area) -> [&'static [&'static str]; 2] {
    match area {
        Area::Arabic => [&["ليلى حداد", "أميرة منصور", "ياسمين قاسم", "سلمى فاروق"], &["عمر خليل", "نور الدين صالح",
            "كريم ناصر"]],
        Area::Hebrew => [&["נועה כהן", "תמר מזרחי", "שירה פרידמן"], &["איתן פרץ", "יונתן שפירא"]],
        Area::Indian => [&["प्रिया शर्मा", "मीरा जोशी", "काव्या देसाई"], &["अर्जुन सिंह", "रोहन कुलकर्णी", "संजय दास"]],
        Area::Chinese => [&["陈美琳", "王晓静", "黄慧"], &["刘伟", "张一帆", "周浩", "林涛"]],
        Area::Japanese => [&["田中 遥", "渡辺 愛子", "中村 さくら"], &["鈴木 健二", "森 大地"]],
        Area::Korean => [&["김지우", "이서연", "최혜진"], &["박민준", "강동현"]],
        Area::Slavic => [&["Олена Мельник", "Ірина Шевчук"], &["Дмитро Коваль"]],
        _ => [&[], &[]],
    }
}

/// The language that somebody named so may have grown up with; none where the area has several.
pub(super) fn mother_tongue(area: Area) -> Option<&'static str> {
    match area {
        Area::Anglo => Some("en"),
        Area::Hispanic => Some("es"),
        Area::Lusophone => Some("pt"),
        Area::Francophone => Some("fr"),
        Area::German => Some("de"),
        Area::Italian => Some("it"),
        Area::Turkish => Some("tr"),
        Area::Arabic => Some("ar"),
        Area::Hebrew => Some("he"),
        Area::Indian => Some("hi"),
        Area::Chinese => Some("zh"),
        Area::Japanese => Some("ja"),
        Area::Korean => Some("ko"),
        Area::Nordic | Area::Slavic | Area::SoutheastAsian | Area::African => None,
    }
}

/// A name's area for somebody who lives in `home`: mostly the same, in cities that speak English often another.
pub(super) fn origin(draw: &mut Draw, home: Area) -> Area {
    const ELSEWHERE: [Area; 17] = [
        Area::Anglo,
        Area::Hispanic,
        Area::Lusophone,
        Area::Francophone,
        Area::German,
        Area::Italian,
        Area::Nordic,
        Area::Slavic,
        Area::Turkish,
        Area::Arabic,
        Area::Hebrew,
        Area::Indian,
        Area::Chinese,
        Area::Japanese,
        Area::Korean,
        Area::SoutheastAsian,
        Area::African,
    ];
    let local = if home == Area::Anglo { 50 } else { 85 };
    if draw.chance(local) { home } else { draw.pick(&ELSEWHERE) }
}
