//! What is not work: leisure interests, groups, and what life puts in anybody's way.

use super::careers::Hurdle;
use super::random::Draw;

/// Interests of the free hours. All are nouns, so that "I am into ..." and "Boston ... group" read well.
#[rustfmt::skip]
pub(super) static LEISURE: &[&str] = &[
    "trail running", "jazz", "sourdough bread", "chess", "bouldering", "bird watching", "science fiction",
        "board games",
    "knitting", "vegetable gardening", "long-distance cycling", "open water swimming", "salsa dancing", "choir",
        "ukulele",
    "pottery", "street food", "hiking", "camping", "yoga", "meditation", "football", "basketball", "cricket",
        "table tennis",
    "badminton", "volleyball", "rugby", "martial arts", "judo", "capoeira", "fencing", "archery", "rowing", "sailing",
        "kayaking",
    "surfing", "skateboarding", "snowboarding", "cross-country skiing", "ice skating", "roller derby", "horse riding",
        "fishing",
    "mushroom hunting", "beekeeping at home", "houseplants", "bonsai", "fermenting vegetables", "home brewing",
        "coffee roasting",
    "tea ceremonies", "cheese making", "barbecue", "vegan cooking", "Korean cooking", "Indian cooking",
        "Mexican cooking",
    "West African cooking", "Levantine cooking", "baking with children", "wine", "craft beer", "cooking for crowds",
    "crossword puzzles", "go", "backgammon", "bridge", "Dungeons and Dragons", "video games", "speedrunning", "pinball",
    "jigsaw puzzles", "origami", "model trains", "radio-controlled planes", "drones", "astronomy",
        "amateur astronomy nights",
    "geocaching", "maps", "genealogy", "coin collecting", "stamp collecting", "vinyl records", "hi-fi repair",
        "piano", "guitar",
    "violin", "cello", "drums", "saxophone", "accordion", "harmonica", "bagpipes", "opera", "blues", "hip hop", "K-pop",
    "Bollywood films", "flamenco", "tango", "swing dancing", "ballet", "contemporary dance", "karaoke", "songwriting",
    "stand-up comedy", "improvisation", "musicals", "silent films", "anime", "manga", "graphic novels", "film noir",
    "horror films", "documentaries", "true crime", "podcasts", "audio drama", "fantasy novels", "historical novels",
    "Russian literature", "African literature", "Latin American literature", "haiku", "letter writing", "journaling",
    "creative writing", "bookbinding", "sewing", "quilting", "crochet", "embroidery", "weaving", "leatherwork",
        "woodworking",
    "jewellery making", "soap making", "candle making", "stained glass", "oil painting", "life drawing",
        "urban sketching groups",
    "photography walks", "museum visits", "architecture walks", "train travel", "bicycle touring", "motorcycle touring",
    "van life", "backpacking", "pilgrimage walks", "mountaineering", "caving", "scuba diving", "snorkelling", "parkour",
    "weightlifting", "marathons", "triathlon", "pilates", "tai chi", "cold water swimming", "saunas", "dog training",
    "dog agility", "rescue cats", "aquariums", "chickens in the garden", "allotments", "native plants", "composting",
    "repair cafés", "thrift shopping", "vintage clothes", "minimalism", "personal finances", "language learning",
        "Esperanto",
    "sign language courses", "Spanish conversation", "philosophy cafés", "history podcasts", "medieval history",
        "mythology",
    "classical music", "gospel singing", "organ music", "interfaith dialogue", "volunteer firefighting",
    "scouting", "coaching youth football", "refereeing", "mentoring teenagers", "soup kitchens", "beach clean-ups",
    "neighbourhood parties", "pub quizzes", "escape rooms", "magic tricks", "juggling", "kite flying", "trampolining",
        "darts",
];

/// Groups anybody may join.
pub(super) static GROUPS: &[&str] = &[
    "Parents who study",
    "First in the family",
    "Women who lead",
    "Career changers",
    "Newcomers and neighbours",
    "Introverts at work",
    "Back after a break",
    "Night shift club",
    "Queer professionals",
    "Learning with ADHD",
    "Carers' circle",
    "Over fifty and starting anew",
];

/// What a change of career is, before and after.
pub(super) static CAREER_CHANGE: Hurdle = Hurdle {
    facing: &[
        "changing careers",
        "starting over in a new field",
        "leaving a safe job for something new",
        "explaining my change of career in interviews",
        "going back to the bottom of the ladder",
    ],
    overcame: &[
        "career change",
        "a change of career in my thirties",
        "started over in a new field",
        "left a safe job and did not regret it",
        "was the oldest beginner in the room",
    ],
};

/// What life puts in anybody's way, in several wordings before and after.
#[rustfmt::skip]
pub(super) static HURDLES: &[Hurdle] = &[
    Hurdle { facing: &["burnout", "I am exhausted all the time", "close to burning out"], overcame: &["burnout",
        "burned out and found my way back", "two months off with exhaustion"] },
    Hurdle { facing: &["impostor syndrome", "feeling that I do not belong here", "waiting to be found out"],
        overcame: &["impostor syndrome", "stopped feeling like a fraud", "years of thinking I was there by mistake"] },
    Hurdle { facing: &["first in my family to go to university", "nobody at home knows what I do",
        "no role models in my family"], overcame: &["first in my family to go to university",
        "found role models outside my family", "a working-class start"] },
    Hurdle { facing: &["working in a second language", "afraid of speaking up because of my accent",
        "writing reports in a foreign language"], overcame: &["learned to work in a second language",
        "made peace with my accent", "gave my first talk in a foreign language"] },
    Hurdle { facing: &["public speaking", "I panic before presentations", "my voice shakes in front of a group"],
        overcame: &["fear of public speaking", "panic before presentations", "went from silence to giving talks"] },
    Hurdle { facing: &["networking as an introvert", "too shy to ask for help", "I do not know how to network"],
        overcame: &["learned to network as an introvert", "shyness", "learned to ask for help"] },
    Hurdle { facing: &["ADHD at work", "I cannot keep my days in order", "a late ADHD diagnosis"],
        overcame: &["ADHD diagnosis at thirty-four", "learned to work with ADHD", "found routines that hold"] },
    Hurdle { facing: &["caring for a parent", "my mother has dementia", "work and family care together"],
        overcame: &["cared for my father while working", "years of caring for a parent with dementia",
        "went part-time to care for family and came back"] },
    Hurdle { facing: &["chronic illness", "working with constant pain", "telling others about my illness"],
        overcame: &["a career with chronic illness", "came back to work after cancer",
        "told my employer about my illness"] },
    Hurdle { facing: &["single parent with shifts", "childcare and evening classes", "raising a child alone"],
        overcame: &["raised a son alone and finished my degree", "evening classes as a single mother",
        "single father with a full-time job"] },
    Hurdle { facing: &["student debt", "I cannot afford further training", "money worries while studying"],
        overcame: &["paid off my student debt", "studied on scholarships and night jobs",
        "years of living on very little"] },
    Hurdle { facing: &["anxiety", "test anxiety", "sleepless before every exam"], overcame: &["test anxiety",
        "panic attacks", "learned to live with anxiety"] },
    Hurdle { facing: &["grief", "studying after losing my father", "a divorce in the middle of my studies"],
        overcame: &["lost my mother during my studies", "a divorce and a new start",
        "went back to work after a great loss"] },
    Hurdle { facing: &["lonely in a new city", "moved for work and know nobody", "homesick"],
        overcame: &["moved alone to a new city", "made friends in a city where I knew nobody", "homesickness"] },
    Hurdle { facing: &["putting things off until it is too late", "I never finish what I start", "perfectionism"],
        overcame: &["perfectionism", "learned to finish things", "a lifetime of putting things off"] },
];

/// The same, for those who work or have worked.
#[rustfmt::skip]
pub(super) static WORK_HURDLES: &[Hurdle] = &[
    Hurdle { facing: &["returning to work after a baby", "coming back from parental leave", "work with a newborn"],
        overcame: &["returned to work after three years with my children",
        "came back from parental leave to a different job", "built a career around two small children"] },
    Hurdle { facing: &["getting my foreign diploma recognised", "starting again in a new country",
        "my qualifications do not count here"], overcame: &["had my foreign diploma recognised",
        "began again in a new country", "two years of paperwork for my diploma"] },
    Hurdle { facing: &["afraid of being laid off", "one short contract after another", "my job may be cut"],
        overcame: &["two layoffs", "nine months without work", "rebuilt after losing my job"] },
    Hurdle { facing: &["asking for a raise", "I earn less than my colleagues", "negotiating my salary"],
        overcame: &["asked for a raise and got it", "learned to negotiate my salary",
        "found out I was underpaid and changed it"] },
    Hurdle { facing: &["being the only woman in the room", "nobody looks like me at work",
        "being taken less seriously"], overcame: &["years as the only woman in the room",
        "the only one who looked like me", "learned to be heard"] },
    Hurdle { facing: &["a boss who belittles me", "bullying at work", "thinking of quitting because of my manager"],
        overcame: &["left a workplace where I was bullied", "stood up to a difficult boss",
        "rebuilt my confidence after a bad manager"] },
    Hurdle { facing: &["leaving the army for civilian work", "no idea what my military skills are worth"],
        overcame: &["left the army after ten years", "found civilian work after military service"] },
    Hurdle { facing: &["too old to start", "being over fifty in job interviews", "younger people get the jobs"],
        overcame: &["started again at fifty-two", "age discrimination", "became a student at forty-five"] },
    Hurdle { facing: &["leading a team for the first time", "managing people older than me", "giving hard feedback"],
        overcame: &["my first year as a manager", "led people older than me", "learned to give hard feedback"] },
];

/// What somebody still at school faces.
pub(super) static SCHOOL_HURDLES: &[&str] =
    &["school exams", "choosing what to study", "my parents want something else for me", "bad marks in mathematics"];

/// Interests that nobody under age writes down.
pub(super) static ADULT_INTERESTS: &[&str] = &["home brewing", "wine", "craft beer", "wine pairing", "wine tasting"];

/// Whether somebody of this gender would say so: "the only woman in the crew" is not a man's memory.
pub(super) fn fits(said: &str, feminine: bool) -> bool {
    const WOMEN: [&str; 7] =
        ["only woman", "first woman", "Women who", "for women", "single mother", "girl", "meetings of men"];
    const MEN: [&str; 1] = ["single father"];
    let others = if feminine { &MEN[..] } else { &WOMEN[..] };
    !others.iter().any(|words| said.contains(words))
}

/// One of several wordings, such that it fits; none if all that were tried do not.
pub(super) fn wording(draw: &mut Draw, wordings: &[&'static str], feminine: bool) -> Option<&'static str> {
    (0..4).map(|_| draw.pick(wordings)).find(|said| fits(said, feminine))
}
