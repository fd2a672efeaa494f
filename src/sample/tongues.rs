//! Profiles in other languages: simple sentences about an industry and a city.

use super::careers::Industry;
use super::random::Draw;

/// The phrases of one language. `{i}` is the industry's phrase, `{c}` the city, `{n}` a number of years above 1.
pub(super) struct Tongue {
    /// ISO 639-1.
    pub code: &'static str,
    headlines: [&'static [&'static str]; 2],
    abouts: [&'static [&'static str]; 2],
    closings: [&'static [&'static str]; 2],
    pub seeks: &'static [&'static str],
    pub offers: &'static [&'static str],
    pub facing: &'static [&'static str],
    pub overcame: &'static [&'static str],
    /// In the order of [`Industry`]; each fits after the headline's and the about's preposition.
    industries: [&'static str; 20],
}

impl Tongue {
    /// The headline; mentors and mentees say different things.
    pub fn headline(&self, draw: &mut Draw, mentors: bool, industry: Industry, city: &str, years: u32) -> String {
        self.fill(draw.pick(self.headlines[usize::from(!mentors)]), industry, city, years)
    }

    /// Two sentences.
    pub fn about(&self, draw: &mut Draw, mentors: bool, industry: Industry, city: &str, years: u32) -> String {
        let side = usize::from(!mentors);
        let first = self.fill(draw.pick(self.abouts[side]), industry, city, years);
        let second = self.fill(draw.pick(self.closings[side]), industry, city, years);
        if self.code == "zh" { first + &second } else { format!("{first} {second}") }
    }

    fn fill(&self, phrase: &str, industry: Industry, city: &str, years: u32) -> String {
        // Every language's plural here is right for 3 to 10, and for Arabic only for those.
        let years = years.clamp(3, 10).to_string();
        let city = endonym(self.code, city);
        phrase.replace("{i}", self.industries[industry as usize]).replace("{c}", city).replace("{n}", &years)
    }
}

/// What the city is called in the language, where that differs from its English name.
fn endonym<'a>(code: &str, city: &'a str) -> &'a str {
    match (code, city) {
        ("es", "Mexico City") => "Ciudad de México",
        ("es", "New York") => "Nueva York",
        ("fr", "London") => "Londres",
        ("fr", "Montreal") => "Montréal",
        ("pt", "Lisbon") => "Lisboa",
        ("de", "Vienna") => "Wien",
        ("de", "Zurich") => "Zürich",
        ("ar", "Cairo") => "القاهرة",
        ("ar", "Amman") => "عمّان",
        ("ar", "Casablanca") => "الدار البيضاء",
        ("hi", "Mumbai") => "मुंबई",
        ("hi", "Pune") => "पुणे",
        ("hi", "Delhi") => "दिल्ली",
        ("hi", "Bengaluru") => "बेंगलुरु",
        ("zh", "Shanghai") => "上海",
        ("zh", "Chengdu") => "成都",
        ("zh", "Taipei") => "台北",
        ("zh", "New York") => "纽约",
        ("zh", "London") => "伦敦",
        _ => city,
    }
}

/// The language of a code, where we know phrases in it.
pub(super) fn tongue(code: &str) -> Option<&'static Tongue> {
    TONGUES.iter().find(|tongue| tongue.code == code)
}

#[rustfmt::skip]
static TONGUES: &[Tongue] = &[
    Tongue {
        code: "es",
        headlines: [
            &["{n} años de experiencia en {i}", "Trabajo en {i}, {c}", "Mentoría en {i}",
                "Profesional de {c} con experiencia en {i}"],
            &["Quiero crecer en {i}", "Primeros pasos en {i}, {c}", "Busco mi camino en {i}",
                "Con muchas ganas de aprender, {c}"],
        ],
        abouts: [
            &["Vivo en {c} y trabajo en {i} desde hace {n} años.",
                "Llevo {n} años en {i} y me gusta compartir lo que he aprendido.",
                "Mi trabajo en {i} me ha enseñado a escuchar."],
            &["Vivo en {c} y estoy empezando en {i}.",
                "Desde hace un año aprendo todo lo que puedo sobre mi profesión.",
                "Me gustaría construir mi futuro en {i}."],
        ],
        closings: [
            &["Puedo ayudarte a preparar exámenes y entrevistas.",
                "Con gusto acompaño a personas que están empezando.",
                "Me encanta responder preguntas, también las difíciles."],
            &["Busco a alguien con experiencia que pueda orientarme.", "Los exámenes me dan miedo, pero no me rindo.",
                "Agradezco cualquier consejo sincero."],
        ],
        seeks: &["Una persona con experiencia que me oriente", "Ayuda para preparar los exámenes",
            "Consejos para encontrar mi primer trabajo", "Una conversación al mes sobre mi carrera"],
        offers: &["Ayuda para preparar entrevistas", "Una conversación al mes y consejos sinceros",
            "Acompañamiento durante el primer año de trabajo", "Orientación para quienes cambian de profesión"],
        facing: &["miedo a los exámenes", "cambio de profesión", "hablar en público",
            "volver a trabajar después de una pausa"],
        overcame: &["cambié de profesión a los cuarenta", "aprobé el examen al segundo intento",
            "superé el miedo a hablar en público", "empecé de nuevo en otro país"],
        industries: ["el cuidado de animales", "la agricultura", "el arte", "la aviación", "la gestión de empresas",
            "la arquitectura y el diseño", "la educación", "la ingeniería", "las finanzas", "la salud", "la educación superior",
            "la hostelería", "el derecho", "la logística", "los medios", "la administración pública", "la ciencia",
            "los oficios", "el trabajo social", "el desarrollo de software"],
    },
    Tongue {
        code: "fr",
        headlines: [
            &["{n} ans d'expérience dans {i}", "Je travaille dans {i}, {c}", "Mentorat dans {i}"],
            &["Je veux progresser dans {i}", "Premiers pas dans {i}, {c}", "Je cherche ma voie dans {i}"],
        ],
        abouts: [
            &["J'habite à {c} et je travaille dans {i} depuis {n} ans.",
                "Depuis {n} ans, je travaille dans {i} et j'aime transmettre ce que j'ai appris.",
                "Mon travail dans {i} m'a appris à écouter."],
            &["J'habite à {c} et je débute dans {i}.", "Depuis un an, j'apprends tout ce que je peux sur mon métier.",
                "J'aimerais construire mon avenir dans {i}."],
        ],
        closings: [
            &["Je peux vous aider à préparer un examen ou un entretien.",
                "J'accompagne volontiers les personnes qui débutent.",
                "Je réponds avec plaisir aux questions, même difficiles."],
            &["Je cherche une personne d'expérience qui puisse me guider.",
                "Les examens me font peur, mais je n'abandonne pas.", "Tout conseil sincère est le bienvenu."],
        ],
        seeks: &["Une personne d'expérience pour me guider", "De l'aide pour préparer les examens",
            "Des conseils pour trouver un premier emploi", "Une conversation par mois sur mon parcours"],
        offers: &["De l'aide pour préparer un entretien", "Une conversation par mois et des conseils sincères",
            "Un accompagnement pendant la première année de travail", "Un regard sur votre reconversion"],
        facing: &["la peur des examens", "une reconversion", "parler en public",
            "reprendre le travail après une pause"],
        overcame: &["une reconversion à quarante ans", "un examen réussi à la deuxième tentative",
            "la peur de parler en public", "un nouveau départ dans un autre pays"],
        industries: ["les soins aux animaux", "l'agriculture", "les arts", "l'aviation", "la gestion d'entreprise",
            "l'architecture et le design", "l'éducation", "l'ingénierie", "la finance", "la santé", "l'enseignement supérieur", "l'hôtellerie",
            "le droit", "la logistique", "les médias", "la fonction publique", "la recherche", "l'artisanat",
            "le travail social", "le logiciel"],
    },
    Tongue {
        code: "de",
        headlines: [
            &["{n} Jahre Erfahrung im Bereich {i}", "Im Bereich {i} zu Hause, {c}", "Mentoring im Bereich {i}"],
            &["Ich möchte im Bereich {i} weiterkommen", "Erste Schritte im Bereich {i}, {c}",
                "Auf der Suche nach meinem Weg im Bereich {i}"],
        ],
        abouts: [
            &["Ich lebe in {c} und arbeite seit {n} Jahren im Bereich {i}.",
                "Seit {n} Jahren arbeite ich im Bereich {i} und gebe gern weiter, was ich gelernt habe.",
                "Meine Arbeit hat mich gelehrt, gut zuzuhören."],
            &["Ich lebe in {c} und fange gerade im Bereich {i} an.",
                "Seit einem Jahr lerne ich alles über meinen Beruf.",
                "Ich möchte mir im Bereich {i} eine Zukunft aufbauen."],
        ],
        closings: [
            &["Ich helfe gern bei der Vorbereitung auf Prüfungen und Gespräche.",
                "Gern begleite ich Menschen, die gerade anfangen.",
                "Fragen beantworte ich gern, auch die schwierigen."],
            &["Ich suche jemanden mit Erfahrung, der mir den Weg zeigt.",
                "Prüfungen machen mir Angst, aber ich gebe nicht auf.", "Über jeden ehrlichen Rat freue ich mich."],
        ],
        seeks: &["Jemanden mit Erfahrung, der mich begleitet", "Hilfe bei der Vorbereitung auf die Prüfung",
            "Rat für die erste Stelle", "Ein Gespräch im Monat über meinen Weg"],
        offers: &["Hilfe bei der Vorbereitung auf Gespräche", "Ein Gespräch im Monat und ehrlicher Rat",
            "Begleitung im ersten Berufsjahr", "Erfahrung mit einem Berufswechsel"],
        facing: &["Prüfungsangst", "ein Berufswechsel", "vor anderen sprechen",
            "Rückkehr in den Beruf nach einer Pause"],
        overcame: &["Berufswechsel mit vierzig", "die Prüfung beim zweiten Versuch bestanden",
            "Angst, vor Gruppen zu sprechen", "Neuanfang in einem fremden Land"],
        industries: ["Tierpflege", "Landwirtschaft", "Kunst", "Luftfahrt", "Wirtschaft", "Architektur und Gestaltung",
            "Bildung", "Ingenieurwesen", "Finanzen", "Gesundheit", "Hochschule", "Gastgewerbe", "Recht", "Logistik", "Medien",
            "öffentlicher Dienst", "Wissenschaft", "Handwerk", "Sozialarbeit", "Softwareentwicklung"],
    },
    Tongue {
        code: "pt",
        headlines: [
            &["{n} anos de experiência na área de {i}", "Trabalho na área de {i}, {c}", "Mentoria na área de {i}"],
            &["Quero crescer na área de {i}", "Primeiros passos na área de {i}, {c}",
                "Em busca do meu caminho na área de {i}"],
        ],
        abouts: [
            &["Moro em {c} e trabalho na área de {i} há {n} anos.",
                "Há {n} anos trabalho na área de {i} e gosto de partilhar o que aprendi.",
                "O meu trabalho ensinou-me a ouvir."],
            &["Moro em {c} e estou a começar na área de {i}.",
                "Há um ano aprendo tudo o que posso sobre a minha profissão.",
                "Gostaria de construir o meu futuro na área de {i}."],
        ],
        closings: [
            &["Posso ajudar na preparação de exames e entrevistas.", "Gosto de acompanhar quem está a começar.",
                "Respondo com prazer a perguntas, mesmo às difíceis."],
            &["Procuro alguém com experiência que me possa orientar.", "Tenho medo dos exames, mas não desisto.",
                "Agradeço qualquer conselho sincero."],
        ],
        seeks: &["Alguém com experiência que me oriente", "Ajuda na preparação dos exames",
            "Conselhos para o primeiro emprego", "Uma conversa por mês sobre a minha carreira"],
        offers: &["Ajuda na preparação de entrevistas", "Uma conversa por mês e conselhos sinceros",
            "Apoio no primeiro ano de trabalho", "Orientação para quem muda de profissão"],
        facing: &["medo dos exames", "mudança de profissão", "falar em público",
            "voltar ao trabalho depois de uma pausa"],
        overcame: &["mudei de profissão aos quarenta", "passei no exame à segunda tentativa",
            "venci o medo de falar em público", "recomecei noutro país"],
        industries: ["cuidados com animais", "agricultura", "artes", "aviação", "gestão de empresas",
            "arquitetura e design", "educação", "engenharia", "finanças", "saúde", "ensino superior", "hotelaria", "direito",
            "logística", "comunicação", "serviço público", "ciência", "ofícios", "serviço social", "software"],
    },
    Tongue {
        code: "hi",
        headlines: [
            &["{i} में {n} साल का अनुभव", "{c} में {i} के क्षेत्र में काम", "{i} में मार्गदर्शन"],
            &["{i} में आगे बढ़ना है", "{i} में पहला कदम, {c}", "{i} में अपना रास्ता खोज रहे हैं"],
        ],
        abouts: [
            &["{i} के क्षेत्र में मुझे {n} साल का अनुभव है।", "मेरा घर {c} में है और मेरा काम {i} के क्षेत्र में है।"],
            &["मेरा घर {c} में है और {i} के क्षेत्र में यह मेरी शुरुआत है।",
                "मेरा सपना {i} के क्षेत्र में काम करना है।"],
        ],
        closings: [
            &["नए लोगों की मदद करना मुझे अच्छा लगता है।", "परीक्षा और इंटरव्यू की तैयारी में मदद मिल सकती है।"],
            &["मुझे किसी अनुभवी व्यक्ति के मार्गदर्शन की ज़रूरत है।",
                "मुझे परीक्षा से डर लगता है, पर मेरी कोशिश जारी है।"],
        ],
        seeks: &["किसी अनुभवी व्यक्ति का मार्गदर्शन", "परीक्षा की तैयारी में मदद", "पहली नौकरी के लिए सलाह"],
        offers: &["इंटरव्यू की तैयारी में मदद", "महीने में एक बातचीत और सच्ची सलाह", "पहले साल में साथ"],
        facing: &["परीक्षा का डर", "पेशा बदलना", "लोगों के सामने बोलना"],
        overcame: &["दूसरी कोशिश में परीक्षा पास की", "चालीस की उम्र में पेशा बदला", "लोगों के सामने बोलने का डर"],
        industries: ["पशु चिकित्सा", "कृषि", "कला", "विमानन", "व्यवसाय", "वास्तुकला और डिज़ाइन", "शिक्षा",
            "इंजीनियरिंग", "वित्त", "स्वास्थ्य सेवा", "उच्च शिक्षा", "आतिथ्य", "क़ानून", "लॉजिस्टिक्स", "मीडिया", "सार्वजनिक सेवा",
            "विज्ञान", "कुशल कारीगरी", "समाज सेवा", "सॉफ़्टवेयर"],
    },
    Tongue {
        code: "ar",
        headlines: [
            &["خبرة {n} سنوات في مجال {i}", "أعمل في مجال {i}، {c}", "إرشاد في مجال {i}"],
            &["أريد أن أتقدم في مجال {i}", "خطواتي الأولى في مجال {i}، {c}", "أبحث عن طريقي في مجال {i}"],
        ],
        abouts: [
            &["أعيش في {c} وأعمل في مجال {i} منذ {n} سنوات.",
                "أعمل منذ {n} سنوات في مجال {i} وأحب أن أشارك ما تعلمته."],
            &["أعيش في {c} وأبدأ الآن في مجال {i}.", "أتمنى أن أبني مستقبلي في مجال {i}."],
        ],
        closings: [
            &["يسعدني أن أساعد المبتدئين.", "يمكنني المساعدة في التحضير للامتحانات والمقابلات."],
            &["أبحث عن شخص صاحب خبرة يرشدني.", "أخاف من الامتحانات لكنني لا أستسلم."],
        ],
        seeks: &["شخص صاحب خبرة يرشدني", "مساعدة في التحضير للامتحانات", "نصائح لأول وظيفة"],
        offers: &["مساعدة في التحضير للمقابلات", "محادثة كل شهر ونصائح صادقة", "مرافقة في السنة الأولى من العمل"],
        facing: &["الخوف من الامتحانات", "تغيير المهنة", "التحدث أمام الناس"],
        overcame: &["نجحت في الامتحان في المحاولة الثانية", "غيرت مهنتي في الأربعين",
            "تغلبت على الخوف من التحدث أمام الناس"],
        industries: ["رعاية الحيوان", "الزراعة", "الفنون", "الطيران", "الأعمال", "العمارة والتصميم", "التعليم",
            "الهندسة", "المالية", "الرعاية الصحية", "التعليم العالي", "الضيافة", "القانون", "النقل", "الإعلام", "الخدمة العامة",
            "العلوم", "الحرف", "العمل الاجتماعي", "البرمجيات"],
    },
    Tongue {
        code: "zh",
        headlines: [
            &["{n}年{i}行业经验", "在{c}从事{i}工作", "愿意分享{i}行业的经验"],
            &["希望在{i}行业成长", "刚刚进入{i}行业，{c}", "正在寻找{i}行业的方向"],
        ],
        abouts: [
            &["我住在{c}，从事{i}工作已经{n}年了。", "我在{i}行业工作了{n}年，很愿意分享自己学到的东西。"],
            &["我住在{c}，刚开始接触{i}行业。", "我希望将来在{i}行业发展。"],
        ],
        closings: [
            &["我可以帮你准备考试和面试。", "我喜欢和刚起步的人聊天。"],
            &["我想找一位有经验的人给我指点。", "我很怕考试，但我不会放弃。"],
        ],
        seeks: &["一位有经验的导师", "希望有人帮我准备考试", "找第一份工作的建议"],
        offers: &["帮助准备面试", "每月一次交流和真诚的建议", "陪伴你度过工作的第一年"],
        facing: &["害怕考试", "转行", "当众讲话"],
        overcame: &["第二次才通过考试", "四十岁转行", "克服了当众讲话的恐惧"],
        industries: ["动物护理", "农业", "艺术", "航空", "商业", "建筑与设计", "教育", "工程", "金融", "医疗", "高等教育", "酒店餐饮", "法律", "物流", "传媒",
            "公共服务", "科研", "技工", "社会工作", "软件"],
    },
];
