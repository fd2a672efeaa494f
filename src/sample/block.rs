//! A block: a few hundred members with consecutive indices who share cities, schools, employers and circles of friends.
//!
//! Every member belongs to one block and nearly all of its edges stay inside it, so that one member can be made by
//! looking at one block only, whatever the size of the community.

use super::careers::{self, Career};
use super::people;
use super::places::{self, Area, City, Institution};
use super::random::{Draw, Purpose, hash};

/// Members in a block; the last block of a community may have fewer.
pub(super) const SIZE: u32 = 256;

/// Circles of friends in a full block.
const CIRCLES: u32 = 16;

/// What of a member others see: enough to decide who knows whom, and no words.
#[derive(Clone)]
pub(super) struct Life {
    pub mentors: bool,
    pub learns: bool,
    pub adult: Option<bool>,
    pub career: &'static Career,
    pub step: usize,
    pub years: u32,
    pub aim: Option<(&'static Career, usize)>,
    pub former: Option<&'static Career>,
    pub city: &'static City,
    pub hometown: &'static City,
    /// Where the family's names come from.
    pub origin: Area,
    pub school: Institution,
    /// The year of the first degree.
    pub cohort: i32,
    /// None for those who study.
    pub employer: Option<Institution>,
    pub circle: u32,
    /// Whether the name is a woman's.
    pub feminine: bool,
    /// Whether the profile is nearly empty: such a member knows nobody here.
    pub sparse: bool,
    /// How sociable the person is, in tenths; 10 on average, a few far above.
    pub warmth: u64,
}

/// A block of members.
pub(super) struct Block {
    pub number: u32,
    pub first: u32,
    pub lives: Vec<Life>,
}

/// What the members of a block have in common.
struct Home {
    cities: [&'static City; 2],
    schools: [Institution; 4],
    careers: [u32; 6],
}

impl Block {
    /// The block of this number in a community of `members`.
    pub fn new(seed: u64, number: u32, members: u32) -> Self {
        let first = number.saturating_mul(SIZE);
        let size = SIZE.min(members.saturating_sub(first));
        let home = Home::new(seed, number);
        let lives = (first..first + size).map(|index| Life::new(seed, number, &home, index)).collect();
        Block { number, first, lives }
    }

    /// The life of a member of this block.
    pub fn life(&self, index: u32) -> &Life {
        &self.lives[(index - self.first) as usize]
    }
}

impl Home {
    fn new(seed: u64, number: u32) -> Self {
        let mut draw = Draw::new(seed, Purpose::Home, u64::from(number));
        let city = places::any_city(&mut draw);
        let cities = [city, places::neighbour(&mut draw, city)];
        let schools = std::array::from_fn(|_| Institution::university(&mut draw, city.area));
        let careers = std::array::from_fn(|_| draw.below(careers::count()));
        Home { cities, schools, careers }
    }
}

impl Life {
    fn new(seed: u64, block: u32, home: &Home, index: u32) -> Self {
        let mut draw = Draw::new(seed, Purpose::Life, u64::from(index));
        let draw = &mut draw;
        let (mentors, learns) = match draw.below(100) {
            0..45 => (true, false),
            45..90 => (false, true),
            _ => (true, true),
        };
        let adult = match draw.below(100) {
            // A mentor is never a minor, so that one in a hundred of all is two in a hundred of the others.
            0 | 1 if !mentors => Some(false),
            2 => None,
            _ => Some(true),
        };
        let number = if draw.chance(60) { draw.pick(&home.careers) } else { draw.below(careers::count()) };
        let career = careers::career(number);
        let top = career.steps.len() - 1;
        let step = match (mentors, learns) {
            (true, false) => 2 + draw.below(top as u32 - 1) as usize,
            (true, true) => 1 + draw.below(top as u32 - 2) as usize,
            _ if adult == Some(false) => 0,
            _ => draw.pick(&[0, 0, 0, 1, 1, 1, 2, 2]),
        };
        let years = match step {
            0 => draw.below(2),
            1 => 1 + draw.below(5),
            _ => 4 * step as u32 - 3 + draw.below(9),
        };
        let other = |draw: &mut Draw| careers::career(draw.below(careers::count()));
        let aim = learns.then(|| {
            if !mentors && draw.chance(15) {
                let next = other(draw);
                (next, next.entry())
            } else {
                let ahead = step + 1 + draw.below(2) as usize;
                (career, ahead.max(career.entry()).min(top))
            }
        });
        let former = (mentors && draw.chance(14)).then(|| other(draw)).filter(|former| former.trade != career.trade);
        let city = match draw.below(100) {
            0..68 => home.cities[0],
            68..86 => home.cities[1],
            _ => places::any_city(draw),
        };
        let origin = people::origin(draw, city.area);
        let hometown = match draw.below(100) {
            0..40 => city,
            40..70 => places::neighbour(draw, city),
            _ => places::city_of(draw, origin),
        };
        let school = match draw.below(100) {
            0..65 => draw.pick(&home.schools),
            _ => Institution::university(draw, hometown.area),
        };
        let school = if vocational(career) { school.vocational() } else { school };
        let studies = super::text::studies(career.steps[step]);
        let cohort = if studies { 2027 + draw.below(3) as i32 } else { 2025 - years as i32 - draw.below(3) as i32 };
        let employer = (!studies && adult != Some(false)).then(|| employer(seed, draw, block, career, city.area));
        let circle = draw.below(CIRCLES);
        let feminine = draw.chance(50);
        let warmth = if draw.below(60) == 0 { 55 } else { draw.pick(&[3, 4, 5, 6, 7, 8, 8, 10, 12, 14, 18, 25]) };
        Life {
            mentors,
            learns,
            adult,
            career,
            step,
            years,
            aim,
            former,
            city,
            hometown,
            origin,
            school,
            cohort,
            employer,
            circle,
            feminine,
            sparse: sparse(seed, index),
            warmth,
        }
    }
}

/// Whether a member's profile is nearly empty. A hash, because far friends ask it of members whose block nobody has.
pub(super) fn sparse(seed: u64, index: u32) -> bool {
    hash(seed, Purpose::Sparse, u64::from(index), 0).is_multiple_of(10)
}

/// Whether people learn this at a school for trades.
pub(super) fn vocational(career: &Career) -> bool {
    ["Apprenticeship", "Certificate", "Diploma", "Commercial licence"].contains(&career.degrees[0])
}

/// An employer of the career's industry: mostly one of the two that the block has, so that people have colleagues.
fn employer(seed: u64, draw: &mut Draw, block: u32, career: &Career, area: Area) -> Institution {
    let kinds = career.industry.employers().len();
    if !draw.chance(70) {
        return Institution::any(draw, area, kinds);
    }
    let one_of_two = u64::from(draw.below(2)) << 8 | career.industry as u64;
    let shared = hash(seed, Purpose::Colleagues, u64::from(block), one_of_two);
    Institution::any(&mut Draw::new(shared, Purpose::Home, 0), area, kinds)
}
