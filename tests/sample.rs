//! The promises of the invented community: the same bytes for the same seed, valid members, a symmetric graph.

use std::collections::{BTreeMap, BTreeSet};

use rapport::member::{Member, Role};
use rapport::sample::{Community, DEMO_TEXT, demo_profile};

fn bytes(members: u32, seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Community::new(members, seed).write(&mut out).unwrap();
    out
}

fn community(members: u32) -> Vec<Member> {
    Community::new(members, 7).iter().collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(bytes(700, 7), bytes(700, 7));
    assert_ne!(bytes(700, 7), bytes(700, 8));
}

#[test]
fn the_bytes_are_the_same_on_every_platform_and_version() {
    // A change of this hash changes every published sample: say so in CHANGELOG.md.
    let expected = "cdeb938c3ad51f5aa6384a3e072a19d3a9125ea98aa253dac9516409889159c7";
    assert_eq!(blake3::hash(&bytes(1_000, 42)).to_hex().as_str(), expected);
}

#[test]
fn every_member_is_valid_as_written_and_nothing_is_tidied_away() {
    for member in community(3_000) {
        assert_eq!(member.clone().validate().as_ref(), Ok(&member));
    }
}

#[test]
fn what_is_written_reads_back_as_the_same_members() {
    let written = bytes(300, 7);
    let lines: Vec<Member> = written
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines, community(300));
}

#[test]
fn a_member_made_alone_is_the_member_of_the_stream() {
    let community = Community::new(1_300, 7);
    let all: Vec<Member> = community.iter().collect();
    for index in [0, 1, 255, 256, 257, 1_000, 1_279, 1_280, 1_299] {
        assert_eq!(community.member(index), all[index as usize], "member {index}");
    }
}

#[test]
fn small_communities_work_and_an_empty_one_writes_nothing() {
    assert!(bytes(0, 7).is_empty());
    assert!(Community::new(0, 7).is_empty());
    assert_eq!(Community::new(0, 7).demo_member(), None);
    for members in 1..40 {
        let all = community(members);
        assert_eq!(all.len(), members as usize);
        symmetric(&all);
        assert!(Community::new(members, 7).demo_member().is_some_and(|index| index < members));
    }
}

#[test]
fn a_larger_community_begins_with_the_same_people() {
    let strangers = |mut member: Member| {
        (member.friends, member.colleagues, member.blocks, member.private) = Default::default();
        member
    };
    let small = community(512).into_iter().map(strangers);
    let large = community(2_000).into_iter().map(strangers);
    for (few, many) in small.zip(large) {
        assert_eq!(few, many);
    }
}

/// Every friend and colleague exists and lists the member too.
fn symmetric(all: &[Member]) {
    let by_id: BTreeMap<_, _> = all.iter().map(|member| (&member.id, member)).collect();
    for member in all {
        for friend in &member.friends {
            assert!(by_id[friend].friends.contains(&member.id), "{} and {friend}", member.id);
        }
        for colleague in &member.colleagues {
            assert!(by_id[colleague].colleagues.contains(&member.id), "{} and {colleague}", member.id);
        }
        for blocked in &member.blocks {
            assert!(by_id.contains_key(blocked) && *blocked != member.id);
        }
    }
}

#[test]
fn friendship_and_colleagueship_are_mutual_and_clustered() {
    let all = community(3_000);
    symmetric(&all);
    let degrees: Vec<usize> = all.iter().map(|member| member.friends.len()).collect();
    let mean = degrees.iter().sum::<usize>() as f64 / degrees.len() as f64;
    assert!((6.5..9.5).contains(&mean), "mean degree {mean}");
    assert!(degrees.iter().any(|degree| *degree > 30));
    let by_id: BTreeMap<_, BTreeSet<_>> =
        all.iter().map(|member| (&member.id, member.friends.iter().collect())).collect();
    let (mut closed, mut open) = (0, 0);
    for friends in by_id.values() {
        for a in friends {
            for b in friends.iter().filter(|b| a < *b) {
                if by_id[a].contains(b) { closed += 1 } else { open += 1 }
            }
        }
    }
    let transitivity = f64::from(closed) / f64::from(closed + open);
    assert!(transitivity > 0.12, "transitivity {transitivity}");
}

#[test]
fn no_minor_is_a_mentor_and_the_shares_are_as_promised() {
    let all = community(10_000);
    let share =
        |what: &dyn Fn(&Member) -> bool| all.iter().filter(|member| what(member)).count() as f64 / all.len() as f64;
    for minor in all.iter().filter(|member| member.adult == Some(false)) {
        assert!(!minor.is(Role::Mentor) && minor.employers.is_empty() && minor.colleagues.is_empty(), "{}", minor.id);
    }
    for (name, share, expected) in [
        ("mentors only", share(&|m| m.roles == [Role::Mentor]), 0.43..0.47),
        ("mentees only", share(&|m| m.roles == [Role::Mentee]), 0.43..0.47),
        ("both", share(&|m| m.roles.len() == 2), 0.08..0.12),
        ("minors", share(&|m| m.adult == Some(false)), 0.005..0.015),
        ("nearly empty", share(&|m| m.profession.is_none()), 0.08..0.12),
        ("paused", share(&|m| m.paused), 0.02..0.04),
        ("not in English", share(&|m| foreign(m)), 0.03..0.05),
    ] {
        assert!(expected.contains(&share), "{name}: {share}, expected {expected:?}");
    }
    let interests: BTreeSet<&String> = all.iter().flat_map(|member| &member.interests).collect();
    assert!(interests.len() > 400, "{} interests", interests.len());
    let abouts: Vec<&String> = all.iter().filter(|m| !foreign(m)).filter_map(|member| member.about.as_ref()).collect();
    let distinct: BTreeSet<&&String> = abouts.iter().collect();
    assert!(distinct.len() * 100 > abouts.len() * 95, "{} of {} abouts", distinct.len(), abouts.len());
}

/// Whether the texts are in another language: every English about here opens with one of these.
fn foreign(member: &Member) -> bool {
    const ENGLISH: [&str; 2] = ["I ", "based in"];
    member.about.as_ref().is_some_and(|about| !ENGLISH.iter().any(|word| about.contains(word)))
}

#[test]
fn the_demo_has_something_to_ask() {
    let community = Community::new(2_000, 7);
    let member = community.member(community.demo_member().unwrap());
    assert!(member.is(Role::Mentee) && member.aims_for.is_some() && member.friends.len() > 2);
    assert!(DEMO_TEXT.contains("nurse"));
    assert_eq!(demo_profile().id.as_str(), "");
    assert!(demo_profile().validate_profile().is_ok());
}
