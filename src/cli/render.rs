//! An answer as a person reads it. Bars and colour on a terminal; anstream takes the colour away elsewhere.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use rapport::search::{Answer, Hit, NoGoodMentor};

const NAME: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();

/// Cells of the longest bar.
const CELLS: f64 = 24.0;

/// Writes the hits, best first, each with its points in common.
pub fn answer(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    if !answer.degraded.is_empty() {
        writeln!(out, "The vector engine does not answer: there may be better mentors than these.\n")?;
    }
    if let Some(NoGoodMentor { text, missing_in_profile, missing_in_pool, .. }) = &answer.no_good_mentor {
        writeln!(out, "{}", clean(text))?;
        if !missing_in_profile.is_empty() {
            writeln!(out, "  • The profile says nothing, or nothing to others, of: {}", missing_in_profile.join(", "))?;
        }
        for missing in missing_in_pool {
            writeln!(out, "  • {}", clean(&missing.text))?;
        }
        writeln!(out)?;
    }
    if answer.hits.is_empty() {
        return writeln!(
            out,
            "No mentor matches. A wider filter may find some; `rapport status` says how many there are."
        );
    }
    let bars = io::stdout().is_terminal();
    for hit in &answer.hits {
        write_hit(out, hit, bars)?;
    }
    Ok(())
}

fn write_hit(out: &mut impl Write, hit: &Hit, bars: bool) -> io::Result<()> {
    let member = &hit.member;
    let name = member.name.as_deref().or(member.headline.as_deref()).unwrap_or(&member.id);
    write!(out, "{:>3}. {NAME}{}{NAME:#}", hit.rank, clean(name))?;
    if let (Some(_), Some(headline)) = (&member.name, &member.headline) {
        write!(out, ", {}", clean(headline))?;
    }
    writeln!(out, " {QUIET}({}){QUIET:#}", clean(&member.id))?;
    if bars {
        let full = (hit.match_.clamp(0.0, 1.0) * CELLS).round() as usize;
        let rest = CELLS as usize - full;
        writeln!(out, "     {BAR}{}{BAR:#}{QUIET}{}{QUIET:#} {:.3}", "━".repeat(full), "─".repeat(rest), hit.score)?;
    } else {
        writeln!(out, "     score {:.4}", hit.score)?;
    }
    if hit.points_in_common.is_empty() {
        writeln!(out, "     {QUIET}nothing in common is known{QUIET:#}")?;
    }
    for point in &hit.points_in_common {
        writeln!(out, "     • {}", clean(&point.text))?;
    }
    for adjustment in &hit.adjustments {
        writeln!(out, "     {QUIET}{:+.3} {}{QUIET:#}", adjustment.amount, clean(&adjustment.text))?;
    }
    if let Some(back) = &hit.back {
        writeln!(out, "     {QUIET}what they would read of who asks{QUIET:#}")?;
        for point in &back.points_in_common {
            writeln!(out, "     • {}", clean(&point.text))?;
        }
        for adjustment in &back.adjustments {
            writeln!(out, "     {QUIET}{:+.3} {}{QUIET:#}", adjustment.amount, clean(&adjustment.text))?;
        }
    }
    writeln!(out)
}

/// Text that cannot move the cursor, colour the screen or turn the line's direction: members write what they like.
pub fn clean(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || turns(letter) { ' ' } else { letter }).collect()
}
