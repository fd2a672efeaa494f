//! What the forms say is done.

use crate::community::Ask;
use crate::member::MemberId;
use crate::programme::{Deed, Reason};
use crate::server::page::form::Form;
use crate::server::problem::Problem;

/// Whom a mentee asks, and with what.
pub fn ask(form: &mut Form) -> Result<Ask, Problem> {
    Ok(Ask {
        mentee: None,
        mentor: MemberId::new(form.one("mentor")?.unwrap_or_default())?,
        note: words(form, "note")?,
        shares: form.all("shares"),
        path: form.one("path")?,
    })
}

/// What is done to an introduction.
pub fn read(form: &mut Form) -> Result<Deed, Problem> {
    let deed = form.one("do")?.unwrap_or_default();
    Ok(match deed.as_str() {
        "accept" => Deed::Accept { accepts_guidelines: form.one("accepts_guidelines")?, shares: form.all("shares") },
        "decline" => Deed::Decline { reason: reason(form)?, words: words(form, "words")? },
        "withdraw" => Deed::Withdraw,
        "check_in" => {
            let step = form.parsed("step", "the number of a step")?;
            let step = step.ok_or_else(|| Problem::invalid("step", "is missing; expected the number of a step"))?;
            Deed::CheckIn { step, words: words(form, "words")? }
        }
        "complete" => Deed::Complete,
        "end" => Deed::End { reason: reason(form)?, words: words(form, "words")? },
        "report" => Deed::Report { words: words(form, "words")?.unwrap_or_default(), by: None },
        other => return Err(Problem::invalid("do", format!("{other:?} is nothing that is done to an introduction"))),
    })
}

fn reason(form: &mut Form) -> Result<Reason, Problem> {
    let name = form.one("reason")?.unwrap_or_default();
    let wrong = || Problem::invalid("reason", format!("{name:?} is no reason that is known"));
    serde_json::from_value(name.as_str().into()).map_err(|_| wrong())
}

/// A browser sends two characters for the end of a line, and counts one.
fn words(form: &mut Form, field: &str) -> Result<Option<String>, Problem> {
    Ok(form.one(field)?.map(|words| words.replace("\r\n", "\n")))
}
