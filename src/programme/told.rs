//! The points in common as the mentor reads them: a search says them to the mentee.

use crate::search::weights::Feature;
use crate::search::{Evidence, PointInCommon};

/// A point in common, told to the mentor.
pub fn told_to_mentor(point: &PointInCommon) -> PointInCommon {
    let Evidence { closest, same, count, kilometres, hours, years, .. } = &point.evidence;
    let values = same.join(", ");
    let pair = closest.first().map(|pair| (pair.you.as_str(), pair.they.as_str()));
    let text = match (point.feature, pair) {
        (Feature::Profession, Some((aim, own))) => format!("They aim for {aim}; you: {own}"),
        (Feature::ProfileSimilarity, Some((want, own))) => format!("They look for {want}; you: {own}"),
        (Feature::InterestSimilarity, Some((theirs, own))) => {
            format!("Your interests are near theirs: you, {own}; they, {theirs}")
        }
        (Feature::SharedInterests, pair) => match (same.is_empty(), pair) {
            (false, _) => format!("Interests in common: {values}"),
            (true, Some((theirs, own))) => format!("Related interests: your {own} and their {theirs}"),
            (true, None) => "Interests in common".into(),
        },
        (Feature::OvercameWhatIFace, Some((faced, overcame))) => {
            format!("You overcame what they face: they, {faced}; you, {overcame}")
        }
        (Feature::Industry, Some((theirs, own))) => format!("Industries: you, {own}; they, {theirs}"),
        (Feature::WordsInCommon, _) => format!("Your profile has what they ask for: {values}"),
        (Feature::Distance, _) => match kilometres {
            Some(km) => format!("They live {km:.0} km from you"),
            None => point.text.clone(),
        },
        (Feature::TimeZone, _) if hours.is_some_and(|hours| hours == 0.0) => "Same time".into(),
        (Feature::ExperienceGap, _) => match years {
            Some(years) => format!("You are {years} years ahead of them in experience"),
            None => "You are ahead of them in experience".into(),
        },
        (Feature::FriendsInCommon, _) => match count {
            // Whom the mentee may be told of need not be for the mentor.
            Some(count) => format!("Friends in common: {count}"),
            None => "Friends in common".into(),
        },
        (Feature::ColleaguesInCommon, _) => match count {
            Some(count) => format!("Colleagues in common: {count}"),
            None => "Colleagues in common".into(),
        },
        // The others say the same to both.
        _ => point.text.clone(),
    };
    let mut evidence = point.evidence.clone();
    evidence.members.clear();
    for pair in &mut evidence.closest {
        std::mem::swap(&mut pair.you, &mut pair.they);
    }
    PointInCommon { feature: point.feature, text, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::ClosestPhrases;

    #[test]
    fn the_mentor_is_you_and_nobody_is_named() {
        let pair = ClosestPhrases { you: "nurse manager".into(), they: "head nurse".into(), cosine: 0.9 };
        let evidence = Evidence { closest: vec![pair], members: vec!["m-7".into()], ..Evidence::default() };
        let point = PointInCommon {
            feature: Feature::Profession,
            text: "Close to what you aim for, nurse manager: head nurse".into(),
            evidence,
        };
        let told = told_to_mentor(&point);
        assert_eq!(told.text, "They aim for nurse manager; you: head nurse");
        assert_eq!((told.evidence.closest[0].you.as_str(), told.evidence.members.len()), ("head nurse", 0));
    }
}
