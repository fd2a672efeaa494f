//! Money, people and companies.

use super::{Career, Hurdle, Industry};

#[rustfmt::skip]
pub(super) static CAREERS: &[Career] = &[
    Career {
        trade: "accounting", industry: Industry::Finance,
        steps: &["Accounting student", "Junior accountant", "Certified accountant", "Financial controller", "Chief financial officer"],
        degrees: ["BSc", "MSc"], fields: &["Accounting", "Business"],
        interests: &["tax law", "forensic accounting", "bookkeeping", "auditing", "spreadsheet tricks", "nonprofit accounting"],
        skills: &["closing the books in five days", "preparing for the accountancy exams", "explaining numbers to non-accountants", "surviving audit season"],
        seeks: ["An accountant to help me stay the course through the exams", "A finance director to talk with about the last step"],
        offers: &["A study rhythm for the accountancy exams", "How to get from audit into industry", "Financial statements explained on one page"],
        hurdles: [
            Hurdle { facing: &["the accountancy exams", "a failed paper in taxation"], overcame: &["passed my accountancy exams while working full time", "failed taxation and became a tax adviser"] },
            Hurdle { facing: &["audit season", "being bored by my work"], overcame: &["left audit after five busy seasons", "found the part of accounting that I like"] },
            Hurdle { facing: &["presenting to the board", "becoming a strategist instead of a scorekeeper"], overcame: &["terrified of boards, now I sit on one", "learned to speak about the future, not only the past"] },
        ],
    },
    Career {
        trade: "banking", industry: Industry::Finance,
        steps: &["Finance student", "Bank teller", "Loan officer", "Branch manager", "Regional banking director"],
        degrees: ["BA", "MBA"], fields: &["Finance", "Economics"],
        interests: &["personal finance", "microfinance", "small business lending", "mortgages", "behavioural economics", "financial literacy"],
        skills: &["reading a balance sheet", "talking about debt without shame", "leading a branch", "judging risk"],
        seeks: ["Somebody who can help me choose between banking and analysis", "Advice on leading a branch through change"],
        offers: &["How to prepare for interviews at a bank", "How lenders read a business plan", "From the counter to branch manager"],
        hurdles: [
            Hurdle { facing: &["finding a first job in finance", "group interviews"], overcame: &["thirty refusals before my first bank job", "too quiet for group interviews"] },
            Hurdle { facing: &["sales targets I do not believe in", "saying no to customers"], overcame: &["changed banks over sales targets", "learned to refuse a loan kindly"] },
            Hurdle { facing: &["branches are closing", "leading for the first time"], overcame: &["closed a branch and found every colleague a place", "led a branch at twenty-seven"] },
        ],
    },
    Career {
        trade: "financial analysis", industry: Industry::Finance,
        steps: &["Economics student", "Junior analyst", "Financial analyst", "Portfolio manager", "Chief investment officer"],
        degrees: ["BSc", "MSc"], fields: &["Economics", "Finance", "Mathematics"],
        interests: &["sustainable investing", "valuation", "market history", "quantitative finance", "pension funds", "risk models"],
        skills: &["building a model that others can read", "studying for the analyst charter", "writing an investment note", "being wrong in public"],
        seeks: ["Somebody who has all three levels of the analyst charter behind them", "A portfolio manager who will question my thinking"],
        offers: &["A study plan for the analyst charter", "How to write an investment note", "Breaking into finance from a small university"],
        hurdles: [
            Hurdle { facing: &["no internship at a big name", "the first analyst charter exam"], overcame: &["broke into finance from an unknown university", "failed level two of the charter, then passed"] },
            Hurdle { facing: &["hundred-hour weeks", "speaking up in meetings of men"], overcame: &["left investment banking to sleep again", "found my voice as the only woman on a desk"] },
            Hurdle { facing: &["a bad year in my portfolio", "raising a first fund"], overcame: &["lost clients' money and told them first", "raised a small fund in a bad year"] },
        ],
    },
    Career {
        trade: "human resources", industry: Industry::Business,
        steps: &["HR assistant", "Recruiter", "HR business partner", "HR manager", "Chief people officer"],
        degrees: ["BA", "MA"], fields: &["Human resources", "Psychology"],
        interests: &["fair hiring", "workplace mediation", "employer branding", "diversity and inclusion", "onboarding", "labour relations", "coaching"],
        skills: &["interviewing fairly", "holding a hard conversation", "writing a job advertisement people answer", "negotiating a salary"],
        seeks: ["A recruiter who can tell me what the job is like behind the scenes", "Advice on getting HR heard by the management"],
        offers: &["A look at your CV through a recruiter's eyes", "How to negotiate a salary, from the other side of the table", "Practice for hard conversations"],
        hurdles: [
            Hurdle { facing: &["getting into HR without experience", "turning people down"], overcame: &["got into HR from a shop counter", "learned to turn people down well"] },
            Hurdle { facing: &["layoffs I have to announce", "caught between staff and management"], overcame: &["carried out layoffs and kept my conscience", "mediated a conflict that had gone on for years"] },
            Hurdle { facing: &["no seat at the table", "building HR from nothing"], overcame: &["built an HR department from nothing", "got the board to talk about people"] },
        ],
    },
    Career {
        trade: "marketing", industry: Industry::Business,
        steps: &["Marketing student", "Marketing assistant", "Marketing specialist", "Brand manager", "Chief marketing officer"],
        degrees: ["BA", "MBA"], fields: &["Marketing", "Communication"],
        interests: &["copywriting", "brand strategy", "social media", "search engines", "newsletters", "consumer psychology", "market research"],
        skills: &["writing a headline", "running a campaign on a small budget", "measuring what works", "presenting an idea"],
        seeks: ["Somebody who will tear my first campaign apart, gently", "A marketing leader to discuss brand and budget with"],
        offers: &["A friendly but honest look at your campaign", "Marketing for people with no budget", "From specialist to brand manager"],
        hurdles: [
            Hurdle { facing: &["no portfolio for marketing jobs", "writing that sounds like everybody else"], overcame: &["got a marketing job through a blog", "found my own writing voice"] },
            Hurdle { facing: &["always online", "a campaign that flopped"], overcame: &["a campaign that flopped badly", "stopped answering messages at midnight"] },
            Hurdle { facing: &["proving that marketing pays", "leading creative people"], overcame: &["won a budget by measuring", "learned to lead people more creative than me"] },
        ],
    },
    Career {
        trade: "sales", industry: Industry::Business,
        steps: &["Shop assistant", "Sales representative", "Account manager", "Sales manager", "Commercial director"],
        degrees: ["BA", "MBA"], fields: &["Business", "Communication"],
        interests: &["negotiation", "customer relationships", "public speaking", "retail trends", "cold calling", "trade fairs"],
        skills: &["listening before selling", "handling rejection", "negotiating a contract", "coaching a sales team"],
        seeks: ["Somebody who can help me get over my fear of cold calls", "Advice on leading a sales team without fear"],
        offers: &["Role play for cold calls", "How to negotiate without lying", "From the shop floor to account manager"],
        hurdles: [
            Hurdle { facing: &["cold calls", "moving from a shop into an office"], overcame: &["was physically sick before cold calls", "moved from a shop floor to key accounts"] },
            Hurdle { facing: &["missing my targets", "selling something I do not believe in"], overcame: &["missed target for three quarters and came back", "changed industry to sell what I believe in"] },
            Hurdle { facing: &["leading a team of lone wolves", "travel four days a week"], overcame: &["made a team out of lone wolves", "cut my travel and kept my clients"] },
        ],
    },
    Career {
        trade: "entrepreneurship", industry: Industry::Business,
        steps: &["Business student", "Market stall trader", "Small business owner", "Startup founder", "Serial entrepreneur"],
        degrees: ["BA", "MBA"], fields: &["Business", "Entrepreneurship"],
        interests: &["bootstrapping", "social enterprise", "crowdfunding", "pitching", "cooperatives", "e-commerce", "family businesses"],
        skills: &["writing a business plan", "finding a first customer", "splitting shares with a founder", "knowing when to stop"],
        seeks: ["A founder who will be honest about my idea", "Somebody who has raised money and regrets parts of it"],
        offers: &["An honest hour about your business idea", "How to split shares before the quarrel", "What investors ask in the second meeting"],
        hurdles: [
            Hurdle { facing: &["no capital", "fear of failing in front of my family"], overcame: &["started with three hundred in savings", "a bankruptcy in front of my whole family"] },
            Hurdle { facing: &["doing everything alone", "money runs out in four months"], overcame: &["nearly ran out of money twice", "learned to delegate as a founder"] },
            Hurdle { facing: &["a quarrel with my co-founder", "raising money as an outsider"], overcame: &["a co-founder break-up", "raised money without knowing any investor"] },
        ],
    },
    Career {
        trade: "project management", industry: Industry::Business,
        steps: &["Project assistant", "Project coordinator", "Project manager", "Programme manager", "Head of project office"],
        degrees: ["BA", "MSc"], fields: &["Project management", "Business", "Industrial engineering"],
        interests: &["agile methods", "risk management", "facilitation", "meeting design", "kanban", "stakeholder work"],
        skills: &["planning with people who hate plans", "running short meetings", "telling bad news early", "preparing for a project certificate"],
        seeks: ["Somebody who can help me with the project management certificate", "Advice on running ten projects without drowning"],
        offers: &["Preparation for the project management certificate", "How to deliver bad news early and keep trust", "Running several projects without drowning"],
        hurdles: [
            Hurdle { facing: &["the project management certificate", "being taken seriously as a coordinator"], overcame: &["passed the project certificate with a newborn", "was taken for the note-taker for years"] },
            Hurdle { facing: &["deadlines set by others", "a team that does not report to me"], overcame: &["rescued a project everybody had given up", "learned to lead without rank"] },
            Hurdle { facing: &["a project that has to be stopped", "meetings from morning to evening"], overcame: &["stopped my own project in time", "cut our meetings by half"] },
        ],
    },
];
