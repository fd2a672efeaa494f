//! An invented community of any size, for `rapport sample`, `rapport demo`, tests and benchmarks.
//!
//! [`Community`] is a function, not a list: member `i` is computed from (members, seed, i) and nothing is kept, so that
//! a million members need no more memory than a hundred. The same (members, seed) gives the same bytes everywhere.
//! Nobody in it is real; the cities are, the schools and employers are not.

mod block;
mod careers;
mod circle;
mod life;
mod people;
mod places;
mod profile;
mod random;
mod text;
mod tongues;

use std::io::Write;

use self::block::{Block, SIZE};
use self::circle::Circle;
use crate::member::{Education, Member, MemberId, Place, Role};

/// An invented community.
#[derive(Debug, Clone)]
pub struct Community {
    circle: Circle,
}

impl Community {
    /// A community of so many members. Another seed is another community; a prefix of a larger one has the same
    /// people, but for those whom they know.
    pub fn new(members: u32, seed: u64) -> Self {
        Community { circle: Circle { seed, members } }
    }

    /// How many members there are.
    pub fn len(&self) -> u32 {
        self.circle.members
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The member of an index below [`Community::len`]. It costs a block of 256 lives; for many, use
    /// [`Community::iter`].
    ///
    /// # Panics
    /// If the index is not below [`Community::len`].
    pub fn member(&self, index: u32) -> Member {
        assert!(index < self.len(), "member {index} of a community of {}", self.len());
        profile::member(self.circle, &self.block(index / SIZE), index)
    }

    /// Every member, in the order of the indices.
    pub fn iter(&self) -> impl Iterator<Item = Member> + '_ {
        (0..self.len().div_ceil(SIZE)).flat_map(move |number| {
            let block = self.block(number);
            let last = block.first + block.lives.len() as u32;
            (block.first..last).map(move |index| profile::member(self.circle, &block, index))
        })
    }

    /// Writes every member as JSONL, one a line.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut line = Vec::with_capacity(4096);
        for member in self.iter() {
            line.clear();
            serde_json::to_writer(&mut line, &member)?;
            line.push(b'\n');
            out.write_all(&line)?;
        }
        out.flush()
    }

    /// The index of a member that makes a good query: an adult mentee who says in English what they aim for, seek and
    /// face, with friends; one who is on the way into nursing if there is one. None in an empty community.
    pub fn demo_member(&self) -> Option<u32> {
        let searched = || (0u32..).zip(self.iter().take(5_000));
        let speaks = |member: &Member| {
            let said = [&member.aims_for, &member.seeks, &member.about];
            let in_english = member.seeks.iter().all(|text| text.is_ascii()) && member.languages.contains(&"en".into());
            member.roles == [Role::Mentee]
                && member.adult == Some(true)
                && !member.paused
                && said.iter().all(|text| text.is_some())
                && in_english
                && !member.facing.is_empty()
                && member.private.is_empty()
        };
        let nurse = |member: &Member| {
            let aim = member.aims_for.as_deref().unwrap_or_default();
            ["Registered nurse", "Charge nurse", "Nurse practitioner"].contains(&aim)
        };
        let first =
            |good: &dyn Fn(&Member) -> bool| searched().find(|(_, member)| good(member)).map(|(index, _)| index);
        first(&|member| speaks(member) && nurse(member) && member.friends.len() > 4)
            .or_else(|| first(&|member| speaks(member) && member.friends.len() > 2))
            .or_else(|| first(&|member| member.is(Role::Mentee) && member.adult == Some(true)))
            .or((!self.is_empty()).then_some(0))
    }

    fn block(&self, number: u32) -> Block {
        Block::new(self.circle.seed, number, self.circle.members)
    }
}

/// A query by free text that every community answers.
pub const DEMO_TEXT: &str = "I want to become a nurse and I am afraid of the exams";

/// A query by a profile that nobody saved: a cook who wants to write software.
pub fn demo_profile() -> Member {
    let text = |text: &str| Some(text.to_owned());
    let list = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    Member {
        headline: text("Line cook who builds small apps after the shift"),
        about: text(
            "I have cooked for eight years and taught myself to program on the night bus. Now I would like to make it my work.",
        ),
        profession: text("Line cook"),
        industry: text("Hospitality"),
        interests: list(&["web development", "open source", "fermentation", "chess"]),
        aims_for: text("Software developer"),
        seeks: text("A developer who can look at my projects and tell me what is missing"),
        facing: list(&["changing careers", "coding interviews make me freeze"]),
        education: vec![Education { field: text("Culinary arts"), ..Education::default() }],
        years_experience: Some(8.0),
        location: Some(Place {
            city: text("Chicago"),
            region: text("IL"),
            country: text("US"),
            lat: Some(41.88),
            lon: Some(-87.63),
        }),
        languages: list(&["en", "es"]),
        time_zone: text("America/Chicago"),
        adult: Some(true),
        ..Member::default()
    }
}

/// The id of an index, as in "s-0000042".
fn member_id(index: u32) -> MemberId {
    // Such an id is never refused; the empty one would be caught by every import.
    MemberId::new(format!("s-{index:07}")).unwrap_or_default()
}
