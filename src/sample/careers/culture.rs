//! Media and the arts.

use super::{Career, Hurdle, Industry};

#[rustfmt::skip]
pub(super) static CAREERS: &[Career] = &[
    Career {
        trade: "journalism", industry: Industry::Media,
        steps: &["Journalism student", "Junior reporter", "Reporter", "Senior editor", "Editor-in-chief"],
        degrees: ["BA", "MA"], fields: &["Journalism", "Political science", "Literature"],
        interests: &["investigative reporting", "local news", "podcasting", "fact checking", "data journalism", "long-form writing", "press freedom"],
        skills: &["getting people to talk", "writing under deadline", "checking facts", "pitching a story"],
        seeks: ["An editor who will read my first stories", "Advice on leading a small newsroom"],
        offers: &["Line edits and honest comments on your stories", "How to pitch to an editor", "How to protect your sources and yourself"],
        hurdles: [
            Hurdle { facing: &["calling strangers for a quote", "unpaid internships in media"], overcame: &["was too shy to phone people", "got into journalism without an unpaid internship"] },
            Hurdle { facing: &["hate mail", "the newspaper is cutting jobs"], overcame: &["a year of threats after a story", "laid off from a newspaper"] },
            Hurdle { facing: &["from writing to editing others", "paying for investigations"], overcame: &["gave up my byline to edit", "founded a local news site"] },
        ],
    },
    Career {
        trade: "film", industry: Industry::Media,
        steps: &["Film student", "Production assistant", "Film editor", "Documentary director", "Film producer"],
        degrees: ["BA", "MFA"], fields: &["Film", "Media studies"],
        interests: &["documentary film", "screenwriting", "cinematography", "animation", "short films", "sound design", "film history"],
        skills: &["finding the story in the edit", "pitching a documentary", "making a schedule for a shoot", "working with a tiny budget"],
        seeks: ["An editor or director who will watch my short film", "A producer who can explain film funding"],
        offers: &["Feedback on rough cuts", "Film funding explained without mystery", "How to go from assistant to editor"],
        hurdles: [
            Hurdle { facing: &["no contacts in film", "film school rejected me"], overcame: &["rejected by three film schools", "found a way into film without contacts"] },
            Hurdle { facing: &["gaps between jobs", "sixteen-hour shooting days"], overcame: &["learned to live with months without work", "set limits on shooting days"] },
            Hurdle { facing: &["funding for my documentary", "a festival that said no"], overcame: &["six years to fund one documentary", "twenty festival rejections before the first yes"] },
        ],
    },
    Career {
        trade: "photography", industry: Industry::Media,
        steps: &["Photography student", "Photo assistant", "Photographer", "Senior photojournalist", "Photo editor"],
        degrees: ["BA", "MA"], fields: &["Photography", "Visual arts"],
        interests: &["street photography", "analogue film", "portraits", "darkroom printing", "nature photography", "photo books"],
        skills: &["making people relax in front of a camera", "editing a series", "pricing a shoot", "finding light"],
        seeks: ["A photographer who will edit my series with me", "Advice on rights, prices and contracts"],
        offers: &["A second eye for your series", "Prices, rights and contracts for photographers", "How to assist and learn"],
        hurdles: [
            Hurdle { facing: &["expensive equipment", "photographing strangers"], overcame: &["shot my first series on a borrowed camera", "learned to ask strangers for a portrait"] },
            Hurdle { facing: &["clients who want it for free", "living from photography"], overcame: &["stopped working for free", "ten lean years as a photographer"] },
            Hurdle { facing: &["my first exhibition", "images that do not leave me"], overcame: &["an empty opening night, then a full one", "help after covering a war"] },
        ],
    },
    Career {
        trade: "translation", industry: Industry::Media,
        steps: &["Translation student", "Junior translator", "Translator", "Conference interpreter", "Head of language services"],
        degrees: ["BA", "MA"], fields: &["Translation studies", "Modern languages"],
        interests: &["subtitling", "literary translation", "etymology", "dialects", "terminology", "bilingual families"],
        skills: &["finding the right tone", "working with machine translation without fear", "preparing for an interpreting test", "finding clients"],
        seeks: ["A translator who can tell me if one can still live from it", "Advice on the interpreting tests of large institutions"],
        offers: &["How to find direct clients as a translator", "Practice for interpreting tests", "Literary translation, from sample to contract"],
        hurdles: [
            Hurdle { facing: &["is there a future in translation", "the interpreting entrance test"], overcame: &["failed the interpreting test once", "found my niche in medical translation"] },
            Hurdle { facing: &["machines translate for nothing", "loneliness of working at home"], overcame: &["made machine translation work for me", "found company as a freelancer"] },
            Hurdle { facing: &["going from agency to direct clients", "voice problems in the booth"], overcame: &["replaced agencies with my own clients", "lost and regained my voice"] },
        ],
    },
    Career {
        trade: "music", industry: Industry::Arts,
        steps: &["Music student", "Music teacher", "Session musician", "Orchestra musician", "Conductor"],
        degrees: ["BMus", "MMus"], fields: &["Music performance", "Music education"],
        interests: &["chamber music", "jazz improvisation", "choir singing", "composition", "music theory", "electronic music", "folk music"],
        skills: &["practising without injury", "preparing an audition", "teaching beginners", "keeping nerves in check"],
        seeks: ["A musician who can prepare me for auditions", "Somebody who lives from music and has a family"],
        offers: &["Mock auditions with real pressure", "How to live from teaching and playing", "How to practise less and better"],
        hurdles: [
            Hurdle { facing: &["stage fright", "the conservatory audition"], overcame: &["years of stage fright", "accepted by a conservatory at the third audition"] },
            Hurdle { facing: &["tendon pain from practising", "no steady income from music"], overcame: &["a tendon injury that stopped me for a year", "built a steady income from teaching and playing"] },
            Hurdle { facing: &["orchestra auditions again and again", "conducting people I played with"], overcame: &["nineteen auditions for one chair", "conducted my former section"] },
        ],
    },
    Career {
        trade: "theatre", industry: Industry::Arts,
        steps: &["Drama student", "Stagehand", "Actor", "Stage director", "Artistic director"],
        degrees: ["BA", "MFA"], fields: &["Drama", "Theatre studies"],
        interests: &["improv theatre", "stage design", "voice training", "playwriting", "physical theatre", "community theatre", "costume making"],
        skills: &["preparing a monologue", "using the voice without harm", "directing amateurs", "getting through a season of auditions"],
        seeks: ["An actor who can work with me on audition pieces", "A director who can tell me how to get a first production"],
        offers: &["Work on audition monologues", "Voice and presence for people who are not actors too", "How to put on a first production"],
        hurdles: [
            Hurdle { facing: &["drama school auditions", "my family wants me to do something safe"], overcame: &["seven drama school auditions", "chose theatre against my family's wishes"] },
            Hurdle { facing: &["waiting tables between roles", "rejection after rejection"], overcame: &["a hundred auditions without a role", "made peace with a day job"] },
            Hurdle { facing: &["directing for the first time", "a theatre without money"], overcame: &["directed my first play in a garage", "saved a small theatre"] },
        ],
    },
    Career {
        trade: "illustration", industry: Industry::Arts,
        steps: &["Art student", "Freelance illustrator", "Children's book illustrator", "Art director", "Head of illustration"],
        degrees: ["BA", "MA"], fields: &["Illustration", "Fine art"],
        interests: &["comics", "watercolour", "printmaking", "picture books", "digital painting", "urban sketching", "calligraphy"],
        skills: &["building a style", "talking with publishers", "pricing drawings", "meeting a deadline when nothing comes"],
        seeks: ["An illustrator who will look through my portfolio", "Advice on contracts with publishers"],
        offers: &["Portfolio reviews for picture books", "Contracts and prices for illustrators", "How to find a style by not looking for it"],
        hurdles: [
            Hurdle { facing: &["comparing myself with everybody online", "no style of my own"], overcame: &["stopped comparing my drawings", "found my style after art school"] },
            Hurdle { facing: &["clients who pay in exposure", "drawing machines take my work"], overcame: &["learned to send invoices without guilt", "found clients who want a human hand"] },
            Hurdle { facing: &["a book contract I do not understand", "wrist pain"], overcame: &["bargained for my first royalties", "drew with my left hand for half a year"] },
        ],
    },
    Career {
        trade: "writing", industry: Industry::Arts,
        steps: &["Creative writing student", "Copy editor", "Writer", "Novelist", "Publishing director"],
        degrees: ["BA", "MFA"], fields: &["Creative writing", "Literature"],
        interests: &["short stories", "poetry", "memoir", "science fiction", "writing groups", "self-publishing", "crime novels", "literary magazines"],
        skills: &["finishing a first draft", "finding an agent", "editing your own sentences", "writing with a day job"],
        seeks: ["A writer who will read twenty pages and be honest", "Somebody who knows agents and contracts"],
        offers: &["Twenty pages read with care", "How to write a letter to an agent", "Finishing a draft beside a day job"],
        hurdles: [
            Hurdle { facing: &["never finishing a draft", "showing my writing to anybody"], overcame: &["finished a novel after eleven years", "read my work aloud for the first time at forty"] },
            Hurdle { facing: &["rejections from agents", "writing beside a full-time job"], overcame: &["sixty-two rejections before an agent", "wrote a book between five and seven in the morning"] },
            Hurdle { facing: &["a second book that will not come", "bad reviews"], overcame: &["the second book", "a cruel review in a big newspaper"] },
        ],
    },
];
