//! From a life to a member: the words, the lists, and what stays unsaid.

use super::block::{Block, Life, vocational};
use super::careers::{Hurdle, Industry};
use super::circle::Circle;
use super::life::{self, ADULT_INTERESTS, CAREER_CHANGE, GROUPS, HURDLES, LEISURE, SCHOOL_HURDLES, WORK_HURDLES};
use super::random::{Draw, Purpose, hash};
use super::text::{self, Person};
use super::tongues::{self, Tongue};
use super::{member_id, people};
use crate::member::{Education, Member, Place, Role};

/// The member of this index, who lives in the block.
pub(super) fn member(circle: Circle, block: &Block, index: u32) -> Member {
    let life = block.life(index);
    let mut draw = Draw::new(circle.seed, Purpose::Words, u64::from(index));
    let draw = &mut draw;
    let mut member = Member { id: member_id(index), roles: roles(life), ..Member::default() };
    let name = people::name(draw, life.origin, life.feminine);
    let (interests, professional) = interests(draw, circle, block, life);
    if life.sparse {
        nearly_empty(draw, life, name, interests, &mut member);
        return member;
    }
    member.name = Some(name);
    member.interests = interests;
    member.adult = life.adult;
    member.paused = draw.chance(3);
    member.last_active = Some(last_active(draw));
    member.friends = circle.friends(block, index).into_iter().map(member_id).collect();
    member.colleagues = circle.colleagues(block, index).into_iter().map(member_id).collect();
    if draw.chance(1) {
        let other = member_id(block.first + draw.below(block.lives.len() as u32));
        if other != member.id && !member.friends.contains(&other) {
            member.blocks = vec![other];
        }
    }
    member.languages = languages(draw, life);
    whereabouts(draw, life, &mut member);
    if life.adult == Some(false) {
        at_school(draw, life, &mut member);
        return member;
    }
    work(draw, life, &mut member);
    groups(draw, life, professional, &mut member);
    experience(draw, life, &mut member);
    let tongue = tongues::tongue(people::mother_tongue(life.origin).unwrap_or_default())
        .filter(|tongue| member.languages.iter().any(|code| code == tongue.code) && draw.chance(17));
    match tongue {
        Some(tongue) => words_in(tongue, draw, life, &mut member),
        None => words(draw, life, &mut member),
    }
    private(draw, &mut member);
    member
}

fn roles(life: &Life) -> Vec<Role> {
    match (life.mentors, life.learns) {
        (true, true) => vec![Role::Mentor, Role::Mentee],
        (true, false) => vec![Role::Mentor],
        _ => vec![Role::Mentee],
    }
}

/// A profile somebody began and never finished.
fn nearly_empty(draw: &mut Draw, life: &Life, name: String, interests: Vec<String>, member: &mut Member) {
    if draw.chance(50) {
        member.name = Some(name);
    }
    // A minor must say so even here: the rest of the world may take an absent `adult` for an adult.
    member.adult = life.adult.filter(|adult| !adult);
    match draw.below(3) {
        0 if life.adult != Some(false) => member.headline = Some(life.career.steps[life.step].to_owned()),
        1 if life.adult != Some(false) => {
            member.headline = Some(format!("{}, {}", life.career.steps[life.step], life.city.name));
        }
        _ => member.interests = interests.into_iter().take(1).collect(),
    }
}

/// Interests of the work (of the work aimed for, where somebody changes), then of the free hours; and how many of
/// the first kind.
fn interests(draw: &mut Draw, circle: Circle, block: &Block, life: &Life) -> (Vec<String>, usize) {
    let career = life.aim.map_or(life.career, |(aim, _)| aim);
    let mut chosen = {
        let count = 1 + draw.below(4) as usize;
        draw.some(career.interests, count)
    };
    let professional = chosen.len();
    // Friends of one circle met over something.
    let hobby = hash(circle.seed, Purpose::Home, u64::from(block.number), 1 << 32 | u64::from(life.circle));
    let hobby = LEISURE[(hobby % LEISURE.len() as u64) as usize];
    let shared = draw.chance(55).then_some(hobby);
    let count = 1 + draw.below(4) as usize;
    for interest in shared.into_iter().chain(draw.some(LEISURE, count)) {
        if !chosen.contains(&interest) {
            chosen.push(interest);
        }
    }
    if life.adult == Some(false) {
        chosen.retain(|interest| !ADULT_INTERESTS.contains(interest));
    }
    (chosen.into_iter().map(str::to_owned).collect(), professional)
}

/// A day of 2026; most people were here not long ago.
fn last_active(draw: &mut Draw) -> String {
    let month = if draw.chance(60) { 10 + draw.below(3) } else { 1 + draw.below(12) };
    format!("2026-{month:02}-{:02}", 1 + draw.below(28))
}

fn languages(draw: &mut Draw, life: &Life) -> Vec<String> {
    let mut codes = vec!["en"];
    // Whoever fills in an English form abroad mostly speaks English too, and says it last.
    if life.city.languages[0] != "en" {
        codes = life.city.languages.to_vec();
        if draw.chance(90) && !codes.contains(&"en") {
            codes.push("en");
        }
    } else if draw.chance(70) {
        for code in life.city.languages {
            if *code != "en" && draw.chance(50) {
                codes.push(code);
            }
        }
    }
    if let Some(tongue) = people::mother_tongue(life.origin)
        && !codes.contains(&tongue)
        && draw.chance(70)
    {
        codes.push(tongue);
    }
    codes.into_iter().map(str::to_owned).collect()
}

fn whereabouts(draw: &mut Draw, life: &Life, member: &mut Member) {
    let city = life.city;
    // A few kilometres to every side, in thousandths of a degree.
    let mut near = |degrees: f64| ((degrees * 1000.0).round() + f64::from(draw.below(81)) - 40.0) / 1000.0;
    let (lat, lon) = (near(city.lat), near(city.lon));
    let mut place = Place {
        city: Some(city.name.to_owned()),
        region: Some(city.region.to_owned()),
        country: Some(city.country.to_owned()),
        lat: Some(lat),
        lon: Some(lon),
    };
    if draw.chance(8) {
        (place.lat, place.lon) = (None, None);
    }
    member.location = Some(place);
    if draw.chance(95) {
        member.time_zone = Some(city.time_zone.to_owned());
    }
    if draw.chance(60) {
        member.hometown = Some(Place {
            city: Some(life.hometown.name.to_owned()),
            region: Some(life.hometown.region.to_owned()),
            country: Some(life.hometown.country.to_owned()),
            lat: Some(life.hometown.lat),
            lon: Some(life.hometown.lon),
        });
    }
}

/// Somebody under age: still at school, with a wish.
fn at_school(draw: &mut Draw, life: &Life, member: &mut Member) {
    let (aim, step) = life.aim.unwrap_or((life.career, 1));
    let goal = text::role(aim.steps[step]);
    member.profession = Some("High school student".to_owned());
    member.headline = Some(match draw.below(3) {
        0 => format!("High school student curious about {}", aim.trade),
        1 => format!("In my last year of school in {}", life.city.name),
        _ => format!("High school student, would like to be {goal}"),
    });
    member.aims_for = Some(aim.steps[step].to_owned());
    member.seeks = Some(format!("Somebody to ask what {} is really like", aim.trade));
    member.facing = vec![draw.pick(SCHOOL_HURDLES).to_owned()];
}

fn work(draw: &mut Draw, life: &Life, member: &mut Member) {
    let career = life.career;
    let title = career.steps[life.step];
    member.profession = Some(title.to_owned());
    member.industry = Some(career.industry.name().to_owned());
    if let Some(employer) = life.employer {
        member.employers.push(employer.employer(career.industry.employers()));
        if life.step > 1 && draw.chance(45) {
            let kinds = career.industry.employers();
            let earlier = super::places::Institution::any(draw, life.city.area, kinds.len());
            if earlier != employer {
                member.employers.push(earlier.employer(kinds));
            }
        }
    }
    let fields = career.fields;
    let field = draw.pick(fields);
    if draw.chance(88) {
        member.education.push(Education {
            school: Some(life.school.school()),
            degree: draw.chance(85).then(|| first_degree(life).to_owned()),
            field: Some(field.to_owned()),
            year: draw.chance(90).then_some(life.cohort),
        });
        if life.step > 2 && draw.chance(40) {
            let school = super::places::Institution::university(draw, life.city.area);
            let school = if vocational(career) { school.vocational() } else { school };
            member.education.push(Education {
                school: Some(school.school()),
                degree: Some(career.degrees[1].to_owned()),
                field: Some(draw.pick(fields).to_owned()),
                year: Some((life.cohort + 3 + draw.below(6) as i32).min(2026)),
            });
        }
    }
    if life.years > 0 && draw.chance(90) {
        // Beginners count half years.
        let half = if life.years < 4 && draw.chance(40) { 0.5 } else { 0.0 };
        member.years_experience = Some(life.years as f32 + half);
    }
    if life.mentors {
        member.capacity = Some(draw.pick(&[1, 1, 2, 2, 2, 3, 3, 4, 5]));
    }
    if let Some((aim, step)) = life.aim
        && draw.chance(92)
    {
        member.aims_for = Some(aim.steps[step].to_owned());
    }
}

/// The first degree; who assists in a surgery or a clinic holds a diploma and not the doctor's degree.
fn first_degree(life: &Life) -> &'static str {
    let medical = matches!(life.career.industry, Industry::Healthcare | Industry::AnimalCare);
    if medical && life.step == 1 && life.career.entry() > 1 { "Diploma" } else { life.career.degrees[0] }
}

fn groups(draw: &mut Draw, life: &Life, professional: usize, member: &mut Member) {
    if draw.chance(25)
        && let Some(school) = member.education.first().and_then(|education| education.school.as_ref())
        && life.employer.is_some()
    {
        member.groups.push(format!("{school} alumni"));
    }
    if draw.chance(25) {
        member.groups.push(format!("{} circle for {}", life.city.name, life.career.trade));
    }
    if let (Some(leisure), true) = (member.interests.get(professional), draw.chance(18)) {
        member.groups.push(format!("{} in {}", text::upper(leisure), life.city.name));
    }
    if draw.chance(15) {
        member.groups.extend(life::wording(draw, GROUPS, life.feminine).map(str::to_owned));
    }
}

/// What is hard now and what was hard once, in English.
fn experience(draw: &mut Draw, life: &Life, member: &mut Member) {
    let (mut facing, mut overcame) = (Vec::new(), Vec::new());
    if let Some((aim, _)) = life.aim {
        let changes = aim.trade != life.career.trade;
        if changes && draw.chance(70) {
            facing.push(CAREER_CHANGE.facing);
        }
        if draw.chance(65) {
            let stage = if changes { 0 } else { life.step.saturating_sub(draw.below(2) as usize).min(2) };
            facing.push(aim.hurdles[stage].facing);
        }
        let count = draw.below(3) as usize;
        facing.extend(anybody(draw, life, count).into_iter().map(|hurdle| hurdle.facing));
    }
    if life.mentors {
        if life.former.is_some() {
            overcame.push(CAREER_CHANGE.overcame);
        }
        let count = 1 + draw.below(2) as usize;
        let stages = draw.some(&[0, 1, 2], count);
        let behind = stages.into_iter().filter(|stage| *stage < life.step);
        overcame.extend(behind.map(|stage| life.career.hurdles[stage].overcame));
        let count = draw.below(4) as usize;
        overcame.extend(anybody(draw, life, count).into_iter().map(|hurdle| hurdle.overcame));
    }
    let mut say = |wordings: Vec<&[&'static str]>| -> Vec<String> {
        wordings.into_iter().filter_map(|list| life::wording(draw, list, life.feminine)).map(str::to_owned).collect()
    };
    (member.facing, member.overcame) = (say(facing), say(overcame));
}

/// What life puts in anybody's way; those who only study have no boss yet.
fn anybody(draw: &mut Draw, life: &Life, count: usize) -> Vec<&'static Hurdle> {
    let all: Vec<usize> = (0..HURDLES.len() + if life.employer.is_some() { WORK_HURDLES.len() } else { 0 }).collect();
    let hurdle = |number: usize| HURDLES.get(number).unwrap_or_else(|| &WORK_HURDLES[number - HURDLES.len()]);
    draw.some(&all, count).into_iter().map(hurdle).collect()
}

fn words(draw: &mut Draw, life: &Life, member: &mut Member) {
    let hometown = member.hometown.as_ref().and_then(|place| place.city.as_deref());
    let education = member.education.first();
    let person = Person {
        career: life.career,
        step: life.step,
        aim: life.aim.filter(|_| member.aims_for.is_some()),
        former: life.former,
        mentors: life.mentors,
        years: life.years,
        feminine: life.feminine,
        city: life.city.name,
        hometown: hometown.filter(|hometown| *hometown != life.city.name),
        school: education.and_then(|education| education.school.as_deref()),
        field: education.and_then(|education| education.field.as_deref()),
        employer: member.employers.first().map(String::as_str),
        interests: &member.interests,
    };
    let headline = text::headline(draw, &person);
    let about = draw.chance(90).then(|| text::about(draw, &person));
    let seeks = (life.learns && draw.chance(92)).then(|| text::seeks(draw, &person));
    let offers = life.mentors.then(|| text::offers(draw, &person));
    (member.headline, member.about, member.seeks, member.offers) = (Some(headline), about, seeks, offers);
}

fn words_in(tongue: &Tongue, draw: &mut Draw, life: &Life, member: &mut Member) {
    let industry: Industry = life.aim.map_or(life.career, |(aim, _)| aim).industry;
    let city = life.city.name;
    // Somebody with little behind them does not speak of years of experience, mentor or not.
    let speaks_as_mentor = life.mentors && life.years >= 3;
    member.headline = Some(tongue.headline(draw, speaks_as_mentor, industry, city, life.years));
    member.about = Some(tongue.about(draw, speaks_as_mentor, industry, city, life.years));
    if life.learns {
        member.seeks = Some(draw.pick(tongue.seeks).to_owned());
        member.facing = vec![draw.pick(tongue.facing).to_owned()];
    }
    if life.mentors {
        member.offers = Some(draw.pick(tongue.offers).to_owned());
        member.overcame = vec![draw.pick(tongue.overcame).to_owned()];
    }
}

/// Some keep what they went through, or who they know, to themselves.
fn private(draw: &mut Draw, member: &mut Member) {
    for (field, said, percent) in [
        ("overcame", !member.overcame.is_empty(), 6),
        ("facing", !member.facing.is_empty(), 8),
        ("hometown", member.hometown.is_some(), 2),
        ("friends", !member.friends.is_empty(), 2),
        ("last_active", true, 2),
    ] {
        if said && draw.chance(percent) {
            member.private.push(field.to_owned());
        }
    }
}
