//! What people do for a living: fifty-odd careers, each with its ladder, its interests, and what is hard about it.
//!
//! The tables are `rustfmt::skip` so that one career stays within a screen.

mod business;
mod care;
mod craft;
mod culture;
mod society;
mod technology;

/// A career: a ladder of titles, and what people on it study, like, ask, offer and struggle with.
pub(super) struct Career {
    /// What follows "years in" and "a career in".
    pub trade: &'static str,
    /// The industry.
    pub industry: Industry,
    /// Titles from the learner's to the most senior.
    pub steps: &'static [&'static str],
    /// The first degree and a further one.
    pub degrees: [&'static str; 2],
    /// Fields of study that lead here.
    pub fields: &'static [&'static str],
    /// Interests that come with the work.
    pub interests: &'static [&'static str],
    /// What the work consists of and what can be taught, as gerunds: "help with ...", "most of my week is ...".
    pub skills: &'static [&'static str],
    /// What a learner seeks, and what somebody who already works here seeks.
    pub seeks: [&'static str; 2],
    /// What mentors offer.
    pub offers: &'static [&'static str],
    /// What is hard: first for learners, then for beginners, then on the way up.
    pub hurdles: [Hurdle; 3],
}

impl Career {
    /// The first step at which one is what the trade is known for: nobody dreams of becoming an assistant.
    pub fn entry(&self) -> usize {
        #[rustfmt::skip]
        const BELOW: [&str; 21] = [
            "assistant", "junior", "trainee", "hand", "teller", "receptionist", "tester", "installer", "technician",
            "secretary", "associate", "coordinator", "worker", "analyst", "tutor", "graduate", "trader", "hygienist",
            "doula", "support", "veterinary",
        ];
        let second = self.steps[1].to_lowercase();
        if BELOW.iter().any(|word| second.ends_with(word) || second.starts_with(word)) { 2 } else { 1 }
    }
}

/// Something hard, in the words of those before it and in the words of those behind it.
pub(super) struct Hurdle {
    pub facing: &'static [&'static str],
    pub overcame: &'static [&'static str],
}

/// An industry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Industry {
    AnimalCare,
    Agriculture,
    Arts,
    Aviation,
    Business,
    Design,
    Education,
    Engineering,
    Finance,
    Healthcare,
    HigherEducation,
    Hospitality,
    Law,
    Logistics,
    Media,
    PublicService,
    Science,
    Trades,
    SocialWork,
    Software,
}

impl Industry {
    /// The name in the `industry` field.
    pub fn name(self) -> &'static str {
        match self {
            Industry::AnimalCare => "Animal care",
            Industry::Agriculture => "Agriculture",
            Industry::Arts => "Arts",
            Industry::Aviation => "Aviation",
            Industry::Business => "Business",
            Industry::Design => "Architecture and design",
            Industry::Education => "Education",
            Industry::Engineering => "Engineering",
            Industry::Finance => "Finance",
            Industry::Healthcare => "Healthcare",
            Industry::HigherEducation => "Higher education",
            Industry::Hospitality => "Hospitality",
            Industry::Law => "Law",
            Industry::Logistics => "Logistics",
            Industry::Media => "Media",
            Industry::PublicService => "Public service",
            Industry::Science => "Science",
            Industry::Trades => "Skilled trades",
            Industry::SocialWork => "Social work",
            Industry::Software => "Software",
        }
    }

    /// What employers are called after their proper name; every one of them employs every career of the industry.
    pub fn employers(self) -> &'static [&'static str] {
        match self {
            Industry::AnimalCare => &["Animal Hospital", "Veterinary Clinic", "Animal Rescue"],
            Industry::Agriculture => &["Farms", "Growers Cooperative", "Land Trust", "Estate"],
            Industry::Arts => &["Arts Centre", "Arts Collective", "Playhouse", "Cultural Foundation"],
            Industry::Aviation => &["Airways", "Aviation", "Air Services"],
            Industry::Business => &["Group", "Consulting", "Holdings", "Trading Company"],
            Industry::Design => &["Studio", "Design", "Architects", "Design Works"],
            Industry::Education => &["Academy", "School District", "Education Trust", "Schools"],
            Industry::Engineering => &["Engineering", "Infrastructure", "Industries", "Energy"],
            Industry::Finance => &["Bank", "Credit Union", "Financial", "Mutual"],
            Industry::Healthcare => &["Hospital", "Medical Center", "Health Clinic", "Community Health"],
            Industry::HigherEducation => &["University", "College", "Institute of Technology"],
            Industry::Hospitality => &["Hotel", "Kitchens", "Catering", "Hospitality"],
            Industry::Law => &["Law Office", "Legal Group", "Legal Aid", "Law Partners"],
            Industry::Logistics => &["Logistics", "Freight", "Transport", "Supply"],
            Industry::Media => &["Media", "Post", "Studios", "Broadcasting"],
            Industry::PublicService => &["City Council", "County", "Regional Authority"],
            Industry::Science => &["Research Institute", "Laboratories", "Science Center"],
            Industry::Trades => &["Contractors", "Building Services", "Works", "Workshops"],
            Industry::SocialWork => &["Family Services", "Community Trust", "Foundation", "Outreach"],
            Industry::Software => &["Software", "Labs", "Systems", "Digital"],
        }
    }
}

/// Every career, in an order that never changes: the order is part of what a seed means.
pub(super) static CAREERS: [&[Career]; 6] =
    [care::CAREERS, technology::CAREERS, society::CAREERS, craft::CAREERS, business::CAREERS, culture::CAREERS];

/// How many careers there are.
pub(super) fn count() -> u32 {
    CAREERS.iter().map(|shelf| shelf.len() as u32).sum()
}

/// The career of a number below [`count`].
pub(super) fn career(number: u32) -> &'static Career {
    let mut left = number as usize;
    for shelf in CAREERS {
        match shelf.get(left) {
            Some(career) => return career,
            None => left -= shelf.len(),
        }
    }
    &care::CAREERS[0]
}
