//! Cities with their coordinates, time zones and languages, and the invented schools and employers named for each area.

use super::random::Draw;

/// A part of the world that shares names of people and of institutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Area {
    Anglo,
    Hispanic,
    Lusophone,
    Francophone,
    German,
    Italian,
    Nordic,
    Slavic,
    Turkish,
    Arabic,
    Hebrew,
    Indian,
    Chinese,
    Japanese,
    Korean,
    SoutheastAsian,
    African,
}

/// A real city.
pub(super) struct City {
    pub name: &'static str,
    pub region: &'static str,
    pub country: &'static str,
    pub lat: f64,
    pub lon: f64,
    pub time_zone: &'static str,
    pub area: Area,
    pub languages: &'static [&'static str],
}

const fn city(
    name: &'static str,
    region: &'static str,
    country: &'static str,
    (lat, lon): (f64, f64),
    time_zone: &'static str,
    area: Area,
    languages: &'static [&'static str],
) -> City {
    City { name, region, country, lat, lon, time_zone, area, languages }
}

/// The cities. Those that speak English come first and are drawn more often.
#[rustfmt::skip]
pub(super) static CITIES: &[City] = &[
    city("Boston", "MA", "US", (42.36, -71.06), "America/New_York", Area::Anglo, &["en"]),
    city("Worcester", "MA", "US", (42.26, -71.80), "America/New_York", Area::Anglo, &["en"]),
    city("Providence", "RI", "US", (41.82, -71.41), "America/New_York", Area::Anglo, &["en"]),
    city("New York", "NY", "US", (40.71, -74.01), "America/New_York", Area::Anglo, &["en"]),
    city("Buffalo", "NY", "US", (42.89, -78.88), "America/New_York", Area::Anglo, &["en"]),
    city("Philadelphia", "PA", "US", (39.95, -75.17), "America/New_York", Area::Anglo, &["en"]),
    city("Pittsburgh", "PA", "US", (40.44, -80.00), "America/New_York", Area::Anglo, &["en"]),
    city("Baltimore", "MD", "US", (39.29, -76.61), "America/New_York", Area::Anglo, &["en"]),
    city("Atlanta", "GA", "US", (33.75, -84.39), "America/New_York", Area::Anglo, &["en"]),
    city("Miami", "FL", "US", (25.76, -80.19), "America/New_York", Area::Anglo, &["en", "es"]),
    city("Detroit", "MI", "US", (42.33, -83.05), "America/Detroit", Area::Anglo, &["en"]),
    city("Cleveland", "OH", "US", (41.50, -81.69), "America/New_York", Area::Anglo, &["en"]),
    city("Chicago", "IL", "US", (41.88, -87.63), "America/Chicago", Area::Anglo, &["en"]),
    city("Milwaukee", "WI", "US", (43.04, -87.91), "America/Chicago", Area::Anglo, &["en"]),
    city("Minneapolis", "MN", "US", (44.98, -93.27), "America/Chicago", Area::Anglo, &["en"]),
    city("New Orleans", "LA", "US", (29.95, -90.07), "America/Chicago", Area::Anglo, &["en"]),
    city("Houston", "TX", "US", (29.76, -95.37), "America/Chicago", Area::Anglo, &["en", "es"]),
    city("San Antonio", "TX", "US", (29.42, -98.49), "America/Chicago", Area::Anglo, &["en", "es"]),
    city("Denver", "CO", "US", (39.74, -104.99), "America/Denver", Area::Anglo, &["en"]),
    city("Albuquerque", "NM", "US", (35.08, -106.65), "America/Denver", Area::Anglo, &["en", "es"]),
    city("Phoenix", "AZ", "US", (33.45, -112.07), "America/Phoenix", Area::Anglo, &["en"]),
    city("Los Angeles", "CA", "US", (34.05, -118.24), "America/Los_Angeles", Area::Anglo, &["en", "es"]),
    city("Oakland", "CA", "US", (37.80, -122.27), "America/Los_Angeles", Area::Anglo, &["en"]),
    city("Portland", "OR", "US", (45.52, -122.68), "America/Los_Angeles", Area::Anglo, &["en"]),
    city("Seattle", "WA", "US", (47.61, -122.33), "America/Los_Angeles", Area::Anglo, &["en"]),
    city("Anchorage", "AK", "US", (61.22, -149.90), "America/Anchorage", Area::Anglo, &["en"]),
    city("Honolulu", "HI", "US", (21.31, -157.86), "Pacific/Honolulu", Area::Anglo, &["en"]),
    city("Toronto", "ON", "CA", (43.65, -79.38), "America/Toronto", Area::Anglo, &["en"]),
    city("Winnipeg", "MB", "CA", (49.90, -97.14), "America/Winnipeg", Area::Anglo, &["en"]),
    city("Vancouver", "BC", "CA", (49.28, -123.12), "America/Vancouver", Area::Anglo, &["en"]),
    city("Halifax", "NS", "CA", (44.65, -63.58), "America/Halifax", Area::Anglo, &["en"]),
    city("London", "England", "GB", (51.51, -0.13), "Europe/London", Area::Anglo, &["en"]),
    city("Manchester", "England", "GB", (53.48, -2.24), "Europe/London", Area::Anglo, &["en"]),
    city("Leeds", "England", "GB", (53.80, -1.55), "Europe/London", Area::Anglo, &["en"]),
    city("Glasgow", "Scotland", "GB", (55.86, -4.25), "Europe/London", Area::Anglo, &["en"]),
    city("Dublin", "Leinster", "IE", (53.35, -6.26), "Europe/Dublin", Area::Anglo, &["en"]),
    city("Sydney", "NSW", "AU", (-33.87, 151.21), "Australia/Sydney", Area::Anglo, &["en"]),
    city("Melbourne", "VIC", "AU", (-37.81, 144.96), "Australia/Melbourne", Area::Anglo, &["en"]),
    city("Perth", "WA", "AU", (-31.95, 115.86), "Australia/Perth", Area::Anglo, &["en"]),
    city("Auckland", "Auckland", "NZ", (-36.85, 174.76), "Pacific/Auckland", Area::Anglo, &["en"]),
    city("Montreal", "QC", "CA", (45.50, -73.57), "America/Toronto", Area::Francophone, &["fr", "en"]),
    city("Paris", "Île-de-France", "FR", (48.86, 2.35), "Europe/Paris", Area::Francophone, &["fr"]),
    city("Lyon", "Auvergne-Rhône-Alpes", "FR", (45.76, 4.84), "Europe/Paris", Area::Francophone, &["fr"]),
    city("Dakar", "Dakar", "SN", (14.69, -17.44), "Africa/Dakar", Area::Francophone, &["fr", "wo"]),
    city("Madrid", "Madrid", "ES", (40.42, -3.70), "Europe/Madrid", Area::Hispanic, &["es"]),
    city("Valencia", "Valencia", "ES", (39.47, -0.38), "Europe/Madrid", Area::Hispanic, &["es"]),
    city("Mexico City", "CDMX", "MX", (19.43, -99.13), "America/Mexico_City", Area::Hispanic, &["es"]),
    city("Guadalajara", "Jalisco", "MX", (20.67, -103.35), "America/Mexico_City", Area::Hispanic, &["es"]),
    city("Bogotá", "Bogotá", "CO", (4.71, -74.07), "America/Bogota", Area::Hispanic, &["es"]),
    city("Medellín", "Antioquia", "CO", (6.25, -75.56), "America/Bogota", Area::Hispanic, &["es"]),
    city("Lima", "Lima", "PE", (-12.05, -77.04), "America/Lima", Area::Hispanic, &["es"]),
    city("Santiago", "Santiago", "CL", (-33.45, -70.67), "America/Santiago", Area::Hispanic, &["es"]),
    city("Buenos Aires", "Buenos Aires", "AR", (-34.60, -58.38), "America/Argentina/Buenos_Aires", Area::Hispanic,
        &["es"]),
    city("São Paulo", "SP", "BR", (-23.55, -46.63), "America/Sao_Paulo", Area::Lusophone, &["pt"]),
    city("Recife", "PE", "BR", (-8.05, -34.88), "America/Recife", Area::Lusophone, &["pt"]),
    city("Lisbon", "Lisbon", "PT", (38.72, -9.14), "Europe/Lisbon", Area::Lusophone, &["pt"]),
    city("Berlin", "Berlin", "DE", (52.52, 13.41), "Europe/Berlin", Area::German, &["de"]),
    city("Hamburg", "Hamburg", "DE", (53.55, 9.99), "Europe/Berlin", Area::German, &["de"]),
    city("Vienna", "Vienna", "AT", (48.21, 16.37), "Europe/Vienna", Area::German, &["de"]),
    city("Zurich", "Zurich", "CH", (47.38, 8.54), "Europe/Zurich", Area::German, &["de"]),
    city("Turin", "Piedmont", "IT", (45.07, 7.69), "Europe/Rome", Area::Italian, &["it"]),
    city("Naples", "Campania", "IT", (40.85, 14.27), "Europe/Rome", Area::Italian, &["it"]),
    city("Stockholm", "Stockholm", "SE", (59.33, 18.07), "Europe/Stockholm", Area::Nordic, &["sv"]),
    city("Bergen", "Vestland", "NO", (60.39, 5.32), "Europe/Oslo", Area::Nordic, &["no"]),
    city("Warsaw", "Masovia", "PL", (52.23, 21.01), "Europe/Warsaw", Area::Slavic, &["pl"]),
    city("Prague", "Prague", "CZ", (50.08, 14.44), "Europe/Prague", Area::Slavic, &["cs"]),
    city("Istanbul", "Istanbul", "TR", (41.01, 28.98), "Europe/Istanbul", Area::Turkish, &["tr"]),
    city("Izmir", "Izmir", "TR", (38.42, 27.14), "Europe/Istanbul", Area::Turkish, &["tr"]),
    city("Cairo", "Cairo", "EG", (30.04, 31.24), "Africa/Cairo", Area::Arabic, &["ar"]),
    city("Amman", "Amman", "JO", (31.95, 35.93), "Asia/Amman", Area::Arabic, &["ar"]),
    city("Casablanca", "Casablanca-Settat", "MA", (33.57, -7.59), "Africa/Casablanca", Area::Arabic, &["ar", "fr"]),
    city("Haifa", "Haifa", "IL", (32.79, 34.99), "Asia/Jerusalem", Area::Hebrew, &["he"]),
    city("Mumbai", "Maharashtra", "IN", (19.08, 72.88), "Asia/Kolkata", Area::Indian, &["hi", "mr", "en"]),
    city("Pune", "Maharashtra", "IN", (18.52, 73.86), "Asia/Kolkata", Area::Indian, &["hi", "mr", "en"]),
    city("Delhi", "Delhi", "IN", (28.61, 77.21), "Asia/Kolkata", Area::Indian, &["hi", "en"]),
    city("Bengaluru", "Karnataka", "IN", (12.97, 77.59), "Asia/Kolkata", Area::Indian, &["kn", "hi", "en"]),
    city("Shanghai", "Shanghai", "CN", (31.23, 121.47), "Asia/Shanghai", Area::Chinese, &["zh"]),
    city("Chengdu", "Sichuan", "CN", (30.57, 104.07), "Asia/Shanghai", Area::Chinese, &["zh"]),
    city("Taipei", "Taipei", "TW", (25.03, 121.57), "Asia/Taipei", Area::Chinese, &["zh"]),
    city("Osaka", "Osaka", "JP", (34.69, 135.50), "Asia/Tokyo", Area::Japanese, &["ja"]),
    city("Sapporo", "Hokkaido", "JP", (43.06, 141.35), "Asia/Tokyo", Area::Japanese, &["ja"]),
    city("Busan", "Busan", "KR", (35.18, 129.08), "Asia/Seoul", Area::Korean, &["ko"]),
    city("Manila", "Metro Manila", "PH", (14.60, 120.98), "Asia/Manila", Area::SoutheastAsian, &["tl", "en"]),
    city("Jakarta", "Jakarta", "ID", (-6.21, 106.85), "Asia/Jakarta", Area::SoutheastAsian, &["id"]),
    city("Hanoi", "Hanoi", "VN", (21.03, 105.85), "Asia/Ho_Chi_Minh", Area::SoutheastAsian, &["vi"]),
    city("Lagos", "Lagos", "NG", (6.52, 3.38), "Africa/Lagos", Area::African, &["en", "yo"]),
    city("Accra", "Greater Accra", "GH", (5.60, -0.19), "Africa/Accra", Area::African, &["en", "ak"]),
    city("Nairobi", "Nairobi", "KE", (-1.29, 36.82), "Africa/Nairobi", Area::African, &["sw", "en"]),
    city("Kampala", "Central Region", "UG", (0.35, 32.58), "Africa/Kampala", Area::African, &["en", "lg"]),
    city("Cape Town", "Western Cape", "ZA", (-33.92, 18.42), "Africa/Johannesburg", Area::African, &["en", "af"]),
];

/// How many of [`CITIES`] lie in [`Area::Anglo`]; they are the first ones.
const ANGLO: u32 = 40;

/// A city, half of the time one that speaks English.
pub(super) fn any_city(draw: &mut Draw) -> &'static City {
    let number = if draw.chance(50) { draw.below(ANGLO) } else { draw.below(CITIES.len() as u32) };
    &CITIES[number as usize]
}

/// A city of the area, or any where the area has none.
pub(super) fn city_of(draw: &mut Draw, area: Area) -> &'static City {
    let (first, last) = (
        CITIES.iter().position(|city| city.area == area).unwrap_or(0),
        CITIES.iter().rposition(|city| city.area == area).unwrap_or(0),
    );
    &CITIES[first + draw.below((last - first + 1) as u32) as usize]
}

/// Another city of the same country, or the same one where we know no other.
pub(super) fn neighbour(draw: &mut Draw, home: &'static City) -> &'static City {
    let first = CITIES.iter().position(|city| city.country == home.country).unwrap_or(0);
    let near: u32 = CITIES[first..].iter().take_while(|city| city.country == home.country).count() as u32;
    &CITIES[first + draw.below(near) as usize]
}

impl Area {
    /// Invented names of places, for institutions to be called after.
    #[rustfmt::skip]
    fn namesakes(self) -> &'static [&'static str] {
        match self {
            Area::Anglo => &[
                "Northfield", "Harbor Point", "Cedar Valley", "Linden Hill", "Westmark", "Stonebridge", "Redwater",
                "Maple Ridge", "Fairhollow", "Kingsmere", "Silver Creek", "Ashgrove", "Bluewood", "Eastbourne Lake",
                "Marlow Bay", "Oakhurst Park", "Pinecrest", "Ravenscar", "Southgate", "Thornbury", "Willowdale",
                "Amberley", "Brightwater", "Copperfield", "Dunmore", "Elmstead", "Foxglove", "Granite Falls",
                "Heathrow Mills", "Ironwood", "Juniper", "Larkspur", "Meadowbank", "Old Mill", "Prairie View",
                    "Quarry Hill",
            ],
            Area::Hispanic => &["San Telmo", "Monteclaro", "Santa Aurelia", "Valdehermoso", "Puerto Alba",
                "Los Robles", "Río Sereno", "Villaluz"],
            Area::Lusophone => &["Serra Clara", "Vila Serena", "Porto Bravo", "Monte Alvo", "São Amaro",
                "Ribeira Nova"],
            Area::Francophone => &["Valbrune", "Rochebelle", "Beauval", "Saint-Aubin", "Clairbois", "Montfleury"],
            Area::German => &["Lindenau", "Falkenberg", "Rosental", "Altbrück", "Eichstetten", "Hohenfels"],
            Area::Italian => &["Valdoro", "Montechiaro", "Borgofiore", "San Lupo"],
            Area::Nordic => &["Fjordvik", "Bjørkdal", "Nordhavn", "Granlund"],
            Area::Slavic => &["Białogród", "Zelená Hora", "Lipowiec", "Nový Brod"],
            Area::Turkish => &["Yeşilova", "Akçakent", "Gülpınar", "Mavideniz"],
            Area::Arabic => &["Al Nakheel", "Al Waha", "Al Manara", "Al Rawabi", "Dar Al Noor"],
            Area::Hebrew => &["Har Oren", "Nahal Shir", "Gan Yarok"],
            Area::Indian => &["Aravali", "Sagarika", "Neelkanth", "Mandara", "Suryanagar", "Kaveripur", "Tulsi Vihar"],
            Area::Chinese => &["Lanting", "Yunxi", "Donglin", "Haiyue", "Qingshui", "Baisong"],
            Area::Japanese => &["Minamikawa", "Aozora", "Hoshizaka", "Midorino"],
            Area::Korean => &["Hangaram", "Saebyeok", "Nuri", "Dalbit"],
            Area::SoutheastAsian => &["Bukit Hijau", "Sampaguita", "Rimba", "Anggrek", "Sen Hong", "Mabini Heights"],
            Area::African => &["Baobab Hill", "Umoja", "Lake Amani", "Kilele", "Palm Coast", "Savanna Ridge",
                "Tumaini"],
        }
    }

    /// What universities are called here; `{}` stands for the namesake.
    fn universities(self) -> &'static [&'static str] {
        match self {
            Area::Anglo => &["{} State University", "{} College", "University of {}", "{} Institute of Technology"],
            Area::Hispanic => &["Universidad de {}", "Universidad Autónoma de {}", "Instituto Tecnológico de {}"],
            Area::Lusophone => &["Universidade de {}", "Instituto Superior de {}"],
            Area::Francophone => &["Université de {}", "Institut de {}"],
            Area::German => &["Universität {}", "Hochschule {}"],
            Area::Italian => &["Università di {}", "Politecnico di {}"],
            Area::Nordic => &["{} University", "{} University College"],
            Area::Slavic | Area::Turkish => &["{} University", "{} Technical University"],
            Area::Arabic | Area::Hebrew => &["{} University", "University of {}", "{} College"],
            Area::Chinese => &["{} University", "{} Normal University"],
            Area::Indian | Area::Japanese | Area::Korean | Area::SoutheastAsian | Area::African => {
                &["{} University", "{} Institute of Technology", "{} College"]
            }
        }
    }
}

/// An invented institution, small enough to be compared for every pair of members: where, after what, of what kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Institution {
    area: Area,
    namesake: u8,
    kind: u8,
}

impl Institution {
    /// The kind of a school for trades; universities count from 0.
    const VOCATIONAL: u8 = u8::MAX;

    /// An institution of the area, its kind below `kinds`.
    pub fn any(draw: &mut Draw, area: Area, kinds: usize) -> Self {
        let namesake = draw.below(area.namesakes().len() as u32) as u8;
        Institution { area, namesake, kind: draw.below(kinds as u32) as u8 }
    }

    /// A university of the area.
    pub fn university(draw: &mut Draw, area: Area) -> Self {
        Self::any(draw, area, area.universities().len())
    }

    /// The school for trades in the same place.
    pub fn vocational(self) -> Self {
        Institution { kind: Self::VOCATIONAL, ..self }
    }

    fn namesake(self) -> &'static str {
        self.area.namesakes()[usize::from(self.namesake)]
    }

    /// Its name as a school.
    pub fn school(self) -> String {
        match self.area.universities().get(usize::from(self.kind)) {
            Some(pattern) => pattern.replace("{}", self.namesake()),
            None => format!("{} Technical College", self.namesake()),
        }
    }

    /// Its name as an employer, its kind an index into what employers of its industry are called.
    pub fn employer(self, kinds: &[&str]) -> String {
        match kinds.get(usize::from(self.kind)) {
            Some(kind) => format!("{} {kind}", self.namesake()),
            None => self.namesake().to_owned(),
        }
    }
}
