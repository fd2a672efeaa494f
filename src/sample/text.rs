//! English sentences: headlines, abouts, what is sought and offered.
//!
//! Nothing here says what somebody faces or overcame: those fields can be private, a text is not.

use super::careers::Career;
use super::life;
use super::random::Draw;

/// What sentences are made of.
pub(super) struct Person<'a> {
    pub career: &'static Career,
    pub step: usize,
    /// Where the person wants to be: a career and its step.
    pub aim: Option<(&'static Career, usize)>,
    /// The career the person came from.
    pub former: Option<&'static Career>,
    pub mentors: bool,
    pub years: u32,
    pub feminine: bool,
    pub city: &'a str,
    pub hometown: Option<&'a str>,
    pub school: Option<&'a str>,
    pub field: Option<&'a str>,
    pub employer: Option<&'a str>,
    pub interests: &'a [String],
}

impl Person<'_> {
    fn title(&self) -> &'static str {
        self.career.steps[self.step]
    }

    fn aim_title(&self) -> Option<&'static str> {
        self.aim.map(|(career, step)| career.steps[step])
    }

    fn changes(&self) -> bool {
        self.aim.is_some_and(|(career, _)| career.trade != self.career.trade)
    }
}

/// The title inside a sentence: "UX designer" and "IT manager" keep their capitals.
pub(super) fn lower(title: &str) -> String {
    let mut chars = title.chars();
    let (first, second) = (chars.next(), chars.clone().next());
    match first {
        Some(first) if !second.is_some_and(char::is_uppercase) => first.to_lowercase().chain(chars).collect(),
        _ => title.to_owned(),
    }
}

/// The text with a capital at its start.
pub(super) fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The title as one says it after "I work as": with its article, unless there is only one such person in the house.
pub(super) fn role(title: &str) -> String {
    let said = lower(title);
    let single = ["head of", "chief", "director of", "executive director", "editor-in-chief"];
    if single.iter().any(|start| said.starts_with(start)) {
        return said;
    }
    let vowel = said.starts_with(['a', 'e', 'i', 'o']) || said.starts_with("HR") || said.starts_with("IT");
    let vowel = vowel || (said.starts_with('u') && !said.starts_with("uni") && !said.starts_with("us"));
    format!("{} {said}", if vowel { "an" } else { "a" })
}

fn years(count: u32) -> String {
    if count == 1 { "1 year".to_owned() } else { format!("{count} years") }
}

/// The school inside a sentence: "the University of Redwater".
fn in_text(school: &str) -> String {
    if school.starts_with("University of") { format!("the {school}") } else { school.to_owned() }
}

/// Whether the title is that of somebody who studies and does not work yet.
pub(super) fn studies(title: &str) -> bool {
    title.ends_with("student")
}

/// One line under the name.
pub(super) fn headline(draw: &mut Draw, person: &Person) -> String {
    let title = person.title();
    let trade = person.career.trade;
    if let (Some(former), true) = (person.former, draw.chance(40)) {
        return format!("{title} who came to {trade} from {}", former.trade);
    }
    if person.changes() && draw.chance(70) {
        let (aim, step) = person.aim.unwrap_or((person.career, person.step));
        return match draw.below(4) {
            0 => format!("{title}, moving into {}", aim.trade),
            1 => format!("From {trade} to {}, one evening class at a time", aim.trade),
            2 => format!("{title} who wants to become {}", role(aim.steps[step])),
            _ => format!("Leaving {trade} for {}", aim.trade),
        };
    }
    if let (Some(aim), true) = (person.aim_title(), draw.chance(60)) {
        return match draw.below(6) {
            0 => format!("{title} hoping to become {}", role(aim)),
            1 => format!("{title} in {}, on the way to {}", person.city, lower(aim)),
            2 => format!("Aspiring {}", lower(aim)),
            3 => format!("Future {}, today {}", lower(aim), role(title)),
            4 => format!("{title} with an eye on becoming {}", role(aim)),
            _ => format!("{title}, {}; next stop {}", person.city, lower(aim)),
        };
    }
    match draw.below(9) {
        0 if person.years > 2 => format!("{title}, {} in {trade}", years(person.years)),
        1 | 2 if person.employer.is_some() => format!("{title} at {}", person.employer.unwrap_or_default()),
        1 | 2 if person.school.is_some() && studies(title) => {
            format!("{title} at {}", in_text(person.school.unwrap_or_default()))
        }
        3 if person.step > 1 => format!("From {} to {}", lower(person.career.steps[0]), lower(title)),
        4 if person.interests.len() > 1 => {
            format!("{title} into {} and {}", person.interests[0], person.interests[1])
        }
        5 if person.mentors => format!("{title}. Ask me about {}", draw.pick(person.career.skills)),
        6 if person.mentors && person.years > 2 => {
            format!("{} in {trade}, now {}", upper(&years(person.years)), lower(title))
        }
        7 => format!("{title} in {}", person.city),
        _ => format!("{title}, {}", person.city),
    }
}

/// A few sentences about the person.
pub(super) fn about(draw: &mut Draw, person: &Person) -> String {
    let mut sentences = vec![opening(draw, person)];
    if let (Some(former), true) = (person.former, draw.chance(80)) {
        sentences.push(match draw.below(3) {
            0 => format!("Before that I spent some years in {}.", former.trade),
            1 => format!("I came late: my first career was in {}.", former.trade),
            _ => format!("I began in {} and changed when I was ready to learn again.", former.trade),
        });
    }
    if draw.chance(65) {
        sentences.push(work(draw, person));
    }
    if person.mentors && draw.chance(75) {
        sentences.push(why_mentor(draw, person));
    }
    if let (Some((aim, step)), true) = (person.aim, draw.chance(75)) {
        sentences.push(wish(draw, aim, step, person));
    }
    if person.interests.len() > 1 && draw.chance(70) {
        sentences.push(leisure(draw, person.interests));
    }
    sentences.join(" ")
}

fn opening(draw: &mut Draw, person: &Person) -> String {
    let title = person.title();
    let trade = person.career.trade;
    let city = person.city;
    match draw.below(8) {
        0 if person.hometown.is_some() => {
            format!("I am {} in {city}, originally from {}.", role(title), person.hometown.unwrap_or_default())
        }
        1 if person.employer.is_some() => {
            format!("I work at {} in {city} as {}.", person.employer.unwrap_or_default(), role(title))
        }
        2 if person.field.is_some() && person.school.is_some() && !studies(title) => format!(
            "I studied {} at {} and today I am {}.",
            lower(person.field.unwrap_or_default()),
            in_text(person.school.unwrap_or_default()),
            role(title)
        ),
        2 | 3 if person.school.is_some() && studies(title) => {
            format!("I am {} at {}.", role(title), in_text(person.school.unwrap_or_default()))
        }
        4 if person.years > 3 && person.step > 1 => format!(
            "I started out as {} {} ago; now I am {}.",
            role(person.career.steps[0]),
            years(person.years),
            role(title)
        ),
        5 if person.years > 3 => format!("I have been in {trade} for {}, most of them in {city}.", years(person.years)),
        6 => format!("{title}, based in {city}."),
        _ => format!("I am {} and live in {city}.", role(title)),
    }
}

fn work(draw: &mut Draw, person: &Person) -> String {
    let skill = draw.pick(person.career.skills);
    let interest = draw.pick(person.career.interests);
    let trade = person.career.trade;
    if studies(person.title()) {
        return match draw.below(5) {
            0 => format!("So far my favourite subject is {interest}."),
            1 => format!("What I still find hard is {skill}."),
            2 => format!("My classmates know me for talking about {interest} all the time."),
            3 => format!("I did not know anybody in {trade} when I started."),
            _ => format!("I want to get better at {skill}."),
        };
    }
    match draw.below(7) {
        0 => format!("A good part of my week is {skill}."),
        1 => format!("The part I like best is {skill}."),
        2 => format!("Lately I have been reading a lot about {interest}."),
        3 => format!("If you ask my colleagues, I am the person for {interest}."),
        4 => format!("Nobody told me how much of {trade} is {skill}."),
        5 => format!("I care about {interest} and about {skill}."),
        _ => format!("What took me longest to learn was {skill}."),
    }
}

fn why_mentor(draw: &mut Draw, person: &Person) -> String {
    let trade = person.career.trade;
    let first = lower(person.career.steps[0]);
    match draw.below(10) {
        0 => "Somebody gave me an hour when I needed it; I would like to pass it on.".to_owned(),
        1 => format!("I remember well what it is like to be new in {trade}."),
        2 => "I answer slowly but thoroughly.".to_owned(),
        3 => "I would rather ask good questions than give advice.".to_owned(),
        4 => format!("I made most of the mistakes one can make in {trade}, so you can skip a few."),
        5 => format!("Happy to talk with anybody who is thinking about {trade}."),
        6 => format!("Had I known a mentor as {}, it would have spared me years.", role(&first)),
        7 => "A call every two weeks works best for me.".to_owned(),
        8 => "I like to work towards one clear goal and then let people fly.".to_owned(),
        _ => format!("The best part of being {} is seeing others grow.", role(person.title())),
    }
}

fn wish(draw: &mut Draw, aim: &Career, step: usize, person: &Person) -> String {
    let goal = role(aim.steps[step]);
    match draw.below(7) {
        0 => format!("In a few years I would like to be {goal}."),
        1 => format!("My goal is to become {goal}."),
        2 => format!("I am working towards becoming {goal} and could use a guide."),
        3 => format!("I do not know anybody who is {goal}, and I have many questions."),
        4 if person.changes() => {
            format!("For a long time {} has been on my mind, and now I am serious about it.", aim.trade)
        }
        5 => format!("One day I hope to introduce myself as {goal}."),
        _ => format!("I would like to learn from somebody who is already {goal}."),
    }
}

fn leisure(draw: &mut Draw, interests: &[String]) -> String {
    let last = &interests[interests.len() - 1];
    let other = &interests[interests.len() - 2];
    match draw.below(7) {
        0 => format!("Away from work I am into {last} and {other}."),
        1 => format!("In my free time: {last}, {other}, and too little sleep."),
        2 => format!("I also love {last}."),
        3 => format!("My weekends belong to {last}."),
        4 => format!("Ask me about {last}."),
        5 => format!("Besides that, {other} and {last} keep me sane."),
        _ => format!("I never say no to {last}."),
    }
}

/// What a mentee looks for.
pub(super) fn seeks(draw: &mut Draw, person: &Person) -> String {
    let (aim, step) = person.aim.unwrap_or((person.career, person.step));
    // Whoever changes career is a learner there, however senior here.
    let beginner = person.step == 0 || person.changes();
    let specific = aim.seeks[usize::from(!beginner)];
    let goal = role(aim.steps[step]);
    let skill = draw.pick(aim.skills);
    match draw.below(if person.aim.is_some() { 9 } else { 7 }) {
        0..=3 => specific.to_owned(),
        4 => format!("Help with {skill}"),
        5 => format!("Regular calls to work on {skill}"),
        6 => format!("{specific}. Also help with {skill}"),
        7 => format!("Somebody who became {goal} and can tell me how"),
        _ => format!("{} who has time for a few honest questions", upper(&goal_with_article(aim.steps[step]))),
    }
}

/// At the start of a request even the only one of a house is one of many: "A head of data who has time".
fn goal_with_article(title: &str) -> String {
    let said = role(title);
    if said == lower(title) { format!("{} {said}", if said.starts_with('e') { "an" } else { "a" }) } else { said }
}

/// What a mentor offers; always of their own career.
pub(super) fn offers(draw: &mut Draw, person: &Person) -> String {
    let career = person.career;
    let specific = life::wording(draw, career.offers, person.feminine).unwrap_or(career.offers[0]);
    let skill = draw.pick(career.skills);
    match draw.below(10) {
        0..=3 => specific.to_owned(),
        4 => format!("Help with {skill}"),
        5 => format!("Regular sessions on {skill}"),
        6 => format!("{specific}. Also happy to talk about {skill}"),
        7 if person.step > 1 => {
            format!("How to get from {} to {}", lower(career.steps[person.step - 1]), lower(career.steps[person.step]))
        }
        8 if person.years > 2 => format!("Experience from {} in {} and an open ear", years(person.years), career.trade),
        _ => format!("Advice on becoming {}", role(career.steps[person.step])),
    }
}
