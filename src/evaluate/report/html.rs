//! The page of a report. Whatever members and files say goes through [`Escaped`].

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use super::{Report, ReportError, Worst, captions, charts};
use crate::evaluate::{
    Ablated, Compared, Comparison, Difference, Estimate, Group, GroupExposure, Measured, Placed, Problem,
};

const STYLE: &str = include_str!("report.css");

/// Problems of one kind that are named; the JSON names all.
const NAMED: usize = 5;

/// Groups of one field that are shown, the largest; the JSON has all.
const GROUPS: usize = 15;

/// Wins and losses shown, of each; the JSON has more.
const TOLD: usize = 5;

/// Text as a page may hold it: no mark-up, nothing that turns a line's direction.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char(' ')?,
                letter if letter.is_control() => f.write_char(' ')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

pub fn page(report: &Report) -> Result<String, ReportError> {
    let charts = [
        figure(&charts::quality(report)?, captions::quality(report)),
        figure(&charts::retrieval(&report.retrieval_by_ef)?, captions::retrieval(report)),
        figure(&charts::exposure(&report.evaluation.exposure)?, captions::exposure(report)),
        figure(
            &charts::calibration(&report.evaluation.calibration)?,
            captions::calibration(&report.evaluation.calibration),
        ),
        figure(&charts::latency(&report.evaluation.latency)?, captions::latency(report)),
    ];
    let mut page = String::new();
    // Writing to a String does not fail.
    let _ = write_page(&mut page, report, &charts.concat());
    Ok(page)
}

fn write_page(out: &mut String, report: &Report, charts: &str) -> fmt::Result {
    let evaluation = &report.evaluation;
    let state = Escaped(&evaluation.state);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>How good matches are: {state}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>How good matches are</h1>\n<p>{} queries on <code>{state}</code>, {} deep</p>\n</header>\n<main>\n",
        evaluation.queries, evaluation.depth
    )?;
    section(out, "Figures", &figures(report)?)?;
    if let Some(compared) = &report.comparison {
        let title = format!("Against {}", compared.baseline);
        section(out, &title, &comparison(&compared.comparison)?)?;
    }
    if !report.ablation.is_empty() {
        section(out, "What each part is worth", &ablation(&report.ablation)?)?;
    }
    section(out, "Charts", &format!("<div class=\"charts\">\n{charts}</div>\n"))?;
    if !evaluation.groups.is_empty() {
        section(out, "By group of queries", &groups(&evaluation.groups)?)?;
    }
    if !evaluation.exposure.groups.is_empty() {
        section(out, "Who is shown, by group of mentors", &exposure(&evaluation.exposure.groups)?)?;
    }
    section(out, "The worst queries", &worst(&report.worst)?)?;
    let of_comparison = report.comparison.iter().flat_map(|compared| &compared.comparison.problems);
    let problems: Vec<&Problem> = evaluation.problems.iter().chain(of_comparison).collect();
    section(out, "Problems", &told_problems(&problems)?)?;
    write!(out, "</main>\n<footer>Written by rapport {}</footer>\n</body>\n</html>\n", env!("CARGO_PKG_VERSION"))
}

fn section(out: &mut String, title: &str, body: &str) -> fmt::Result {
    write!(out, "<section>\n<h2>{}</h2>\n{body}</section>\n", Escaped(title))
}

fn figure(svg: &str, caption: String) -> String {
    let label = Escaped(&caption);
    // Not a sentence of the page's own may hold mark-up either.
    format!(
        "<figure>\n<div role=\"img\" aria-label=\"{label}\">{svg}</div>\n<figcaption>{label}</figcaption>\n</figure>\n"
    )
}

/// A table of these columns; those after the first `texts` are numbers.
fn table(texts: usize, columns: &[&str], rows: &[Vec<String>]) -> Result<String, fmt::Error> {
    let mut out = String::from("<div class=\"wide\"><table>\n<thead><tr>");
    let class = |at: usize| if at < texts { "" } else { " class=\"number\"" };
    for (at, column) in columns.iter().enumerate() {
        write!(out, "<th scope=\"col\"{}>{}</th>", class(at), Escaped(column))?;
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            write!(out, "<td{}>{}</td>", class(at), Escaped(cell))?;
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
    Ok(out)
}

fn interval(Estimate { low, high, .. }: Estimate) -> String {
    format!("{low:.4} to {high:.4}")
}

fn figures(report: &Report) -> Result<String, fmt::Error> {
    let row = |Measured { metric, estimate }: &Measured| {
        vec![metric.to_string(), format!("{:.4}", estimate.mean), interval(*estimate)]
    };
    let evaluation = &report.evaluation;
    let mut rows: Vec<Vec<String>> = evaluation.metrics.iter().map(row).collect();
    if evaluation.ties > 0 {
        rows.push(vec!["places with the score of another".into(), evaluation.ties.to_string(), String::new()]);
    }
    table(1, &["metric", "mean", "95 % interval"], &rows)
}

fn groups(groups: &[Group]) -> Result<String, fmt::Error> {
    let metrics = groups.first().map(|group| group.metrics.as_slice()).unwrap_or_default();
    let names: Vec<String> = metrics.iter().map(|measured| measured.metric.to_string()).collect();
    let columns: Vec<&str> = ["group", "queries"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            let values = group.metrics.iter().map(|measured| format!("{:.4}", measured.estimate.mean));
            [group.group.clone(), group.queries.to_string()].into_iter().chain(values).collect()
        })
        .collect();
    table(1, &columns, &rows)
}

fn exposure(groups: &[GroupExposure]) -> Result<String, fmt::Error> {
    let mut out = String::from(
        "<p>Parity is a group's part of what is shown by its part of the mentors: below 1 it is shown less than its size. \
         A place counts 1 / log2(rank + 1).</p>\n",
    );
    let mut by_field: BTreeMap<&str, Vec<&GroupExposure>> = BTreeMap::new();
    for group in groups {
        by_field.entry(&group.field).or_default().push(group);
    }
    for (field, mut groups) in by_field {
        groups.sort_by(|left, right| right.findable.cmp(&left.findable).then(left.value.cmp(&right.value)));
        let left_out = groups.len().saturating_sub(GROUPS);
        let row = |group: &&GroupExposure| {
            let GroupExposure { value, findable, share, parity, .. } = group;
            let value = value.clone().unwrap_or_else(|| "(not said)".into());
            vec![value, findable.to_string(), format!("{:.1} %", 100.0 * share), format!("{parity:.2}")]
        };
        let rows: Vec<Vec<String>> = groups.iter().take(GROUPS).map(row).collect();
        out.push_str(&table(1, &[field, "mentors", "part of what is shown", "parity"], &rows)?);
        if left_out > 0 {
            writeln!(out, "<p class=\"quiet\">and {left_out} smaller groups, in the JSON</p>")?;
        }
    }
    Ok(out)
}

fn ablation(ablation: &[Ablated]) -> Result<String, fmt::Error> {
    let row = |ablated: &Ablated| {
        let mut row = vec![ablated.off.clone()];
        for Compared { after, difference, p_holm, .. } in [&ablated.ndcg, &ablated.recall] {
            let Estimate { mean, low, high } = difference;
            row.extend([
                format!("{after:.4}"),
                format!("{mean:+.4}"),
                format!("{low:+.4} to {high:+.4}"),
                format!("{p_holm:.3}"),
            ]);
        }
        row
    };
    let columns = [
        "without",
        "nDCG@10",
        "difference",
        "95 % interval",
        "p (Holm)",
        "R@100",
        "difference",
        "95 % interval",
        "p (Holm)",
    ];
    table(1, &columns, &ablation.iter().map(row).collect::<Vec<_>>())
}

fn comparison(comparison: &Comparison) -> Result<String, fmt::Error> {
    let row = |compared: &Compared| {
        let Estimate { mean, low, high } = compared.difference;
        vec![
            compared.metric.to_string(),
            format!("{:.4}", compared.before),
            format!("{:.4}", compared.after),
            format!("{mean:+.4}"),
            format!("{low:+.4} to {high:+.4}"),
            format!("{:.4}", compared.p),
            format!("{:.4}", compared.p_holm),
            compared.wins.to_string(),
            compared.losses.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = comparison.metrics.iter().map(row).collect();
    let columns = ["metric", "before", "after", "difference", "95 % interval", "p", "p (Holm)", "won", "lost"];
    let mut out = format!("<p>{} queries in both; paired by query.</p>\n", comparison.queries);
    out.push_str(&table(1, &columns, &rows)?);
    for (what, differences) in [("Lost most", &comparison.losses), ("Won most", &comparison.wins)] {
        if differences.is_empty() {
            continue;
        }
        writeln!(out, "<h3>{what}</h3>\n<ol class=\"queries\">")?;
        for difference in differences.iter().take(TOLD) {
            let Difference { query, said, before, after, top_before, top_after, .. } = difference;
            write!(
                out,
                "<li><p>{} <code>{}</code></p>\n<p class=\"quiet\">nDCG@10 {before:.4} before, {after:.4} after</p>\n",
                Escaped(said),
                Escaped(query)
            )?;
            write!(out, "<p class=\"quiet\">before</p>\n{}", placed(top_before)?)?;
            writeln!(out, "<p class=\"quiet\">after</p>\n{}</li>", placed(top_after)?)?;
        }
        out.push_str("</ol>\n");
    }
    Ok(out)
}

fn worst(worst: &[Worst]) -> Result<String, fmt::Error> {
    if worst.is_empty() {
        return Ok("<p>No query has anybody relevant.</p>\n".into());
    }
    let mut out = String::from("<ol class=\"queries\">\n");
    for Worst { query, said, ndcg, relevant, found, top } in worst {
        write!(
            out,
            "<li><p>{} <code>{}</code></p>\n<p class=\"quiet\">nDCG@10 {ndcg:.4}; {found} of {relevant} relevant mentors are \
             in the ranking</p>\n{}</li>\n",
            Escaped(said),
            Escaped(query),
            placed(top)?
        )?;
    }
    out.push_str("</ol>\n");
    Ok(out)
}

fn placed(top: &[Placed]) -> Result<String, fmt::Error> {
    if top.is_empty() {
        return Ok("<p>nobody was found</p>\n".into());
    }
    let mut out = String::from("<ol class=\"top\">\n");
    for Placed { rank, member, grade, said } in top {
        let (class, grade) = match grade {
            None => ("quiet", "not judged".into()),
            Some(grade @ ..=0) => ("bad", format!("grade {grade}")),
            Some(grade) => ("good", format!("grade {grade}")),
        };
        let (said, member) = (Escaped(said), Escaped(member));
        writeln!(out, "<li value=\"{rank}\">{said} <code>{member}</code> <span class=\"{class}\">{grade}</span></li>")?;
    }
    out.push_str("</ol>\n");
    Ok(out)
}

fn told_problems(problems: &[&Problem]) -> Result<String, fmt::Error> {
    if problems.is_empty() {
        return Ok("<p>None: every line could be used.</p>\n".into());
    }
    let mut by_kind: BTreeMap<_, Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        by_kind.entry(problem.kind).or_default().push(problem);
    }
    let mut out = String::from("<ul class=\"problems\">\n");
    for (kind, problems) in by_kind {
        write!(out, "<li>{} {}\n<ul>\n", problems.len(), Escaped(kind.name()))?;
        for problem in problems.iter().take(NAMED) {
            writeln!(out, "<li>{}</li>", Escaped(&problem.to_string()))?;
        }
        if problems.len() > NAMED {
            writeln!(out, "<li class=\"quiet\">and {} more, in the JSON</li>", problems.len() - NAMED)?;
        }
        out.push_str("</ul>\n</li>\n");
    }
    out.push_str("</ul>\n");
    Ok(out)
}
