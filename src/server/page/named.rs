//! Somebody by their name: a field that suggests whom it may mean, and who it is once it is sent.

use maud::{Markup, html};

use super::parts;
use crate::member::MemberId;
use crate::member::fold::fold;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::api::members::Named;
use crate::server::problem::Problem;
use crate::store::Scope;

/// People of one name who are told apart.
const MOST: usize = 20;

/// Whom a field means.
pub enum Whom {
    /// One member, or an id of which nothing more is known: what is asked of it says so.
    One(Person),
    /// People of this name.
    Several(Vec<Named>),
}

/// A member, and how a field holds them.
pub struct Person {
    pub id: String,
    pub said: String,
}

impl Person {
    fn of(id: &str, name: Option<&str>) -> Person {
        let said = name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"));
        Person { id: id.to_owned(), said }
    }
}

impl Whom {
    /// How a field holds them.
    pub fn said(&self) -> &str {
        match self {
            Whom::One(person) => &person.said,
            Whom::Several(named) => named.first().map(|one| parts::name(&one.member)).unwrap_or_default(),
        }
    }
}

/// Whom a field means, unless it was left empty.
pub async fn asked(app: &App, caller: &Caller, stated: Option<String>) -> Result<Option<Whom>, Problem> {
    match stated {
        Some(stated) => Ok(Some(whom(app, caller, &stated).await?)),
        None => Ok(None),
    }
}

/// Whom the asker means by an id, a name, or both as `Ada N. (m-1)`, among those they may see. An id goes before a name.
async fn whom(app: &App, caller: &Caller, stated: &str) -> Result<Whom, Problem> {
    let stated = stated.trim();
    if let Some(person) = by_id(app, caller, stated).await? {
        return Ok(Whom::One(person));
    }
    let mut named = app.community.named(stated, caller.member(), caller.has(Scope::Admin), MOST).await?;
    named.retain(|member| member.name.as_deref().is_some_and(|name| fold(name) == fold(stated)));
    match &named[..] {
        [] => {}
        [one] => return Ok(Whom::One(Person::of(one.id.as_str(), one.name.as_deref()))),
        _ => return Ok(Whom::Several(named.into_iter().map(Named::of).collect())),
    }
    let in_brackets = stated.strip_suffix(')').and_then(|stated| stated.rsplit_once(" (")).map(|(_, id)| id);
    let found = match in_brackets {
        Some(id) => by_id(app, caller, id).await?,
        None => None,
    };
    Ok(Whom::One(found.unwrap_or_else(|| Person::of(stated, None))))
}

/// Who has an id, of those the asker may see.
async fn by_id(app: &App, caller: &Caller, id: &str) -> Result<Option<Person>, Problem> {
    let Ok(id) = MemberId::new(id) else { return Ok(None) };
    let found = if caller.has(Scope::Admin) {
        app.community.record(&id).await?.map(|record| record.shown())
    } else {
        app.community.shown(&id, caller.member()).await?
    };
    Ok(found.map(|member| Person::of(id.as_str(), member.name.as_deref())))
}

/// A field for somebody's name, or their id.
pub fn field(id: &str, label: &str, value: &str) -> Markup {
    let (hint, known) = (format!("{id}-hint"), format!("{id}-known"));
    html! {
        div.field {
            label for=(id) { (label) }
            input #(id) name=(id) value=(value) dir="auto" autocomplete="off" list=(known) data-names aria-describedby=(hint);
            datalist #(known) {}
            p.hint #(hint) { "Their name, from its beginning, or their id" }
        }
    }
}

/// People of one name, each leading to where it is them who are meant.
pub fn which(named: &[Named], to: impl Fn(&str) -> String) -> Markup {
    let name = named.first().map(|one| parts::name(&one.member)).unwrap_or_default();
    html! {
        section aria-labelledby="which" {
            h2 #which { "Which " bdi { (name) } "?" }
            ul.choices {
                @for one in named {
                    li {
                        a.button.choice href=(to(&one.member.id)) {
                            strong dir="auto" { (parts::name(&one.member)) }
                            span dir="auto" { (told(one)) }
                        }
                    }
                }
            }
            @if named.len() == MOST {
                p.hint { "There may be more of this name. Anybody can be meant by their id, which stands in the address of their page." }
            }
        }
    }
}

/// What tells somebody apart from others of the name.
fn told(named: &Named) -> String {
    let place = named.location.as_ref().map(parts::place).filter(|place| !place.is_empty());
    let told: Vec<String> = named.member.headline.iter().cloned().chain(place).collect();
    if told.is_empty() { named.member.id.clone() } else { told.join(" · ") }
}
