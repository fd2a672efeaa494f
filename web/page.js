// What makes the page pleasant: it works without any of this, but for the progress of a rebuild.

// A form with data-live="#part" is sent as it is filled in, and the part of the answer takes the place of the shown one.
for (const form of document.querySelectorAll("form[data-live]")) {
  const part = document.querySelector(form.dataset.live);
  let asked = 0;
  const ask = async (submitter) => {
    const fields = new FormData(form, submitter);
    const query = new URLSearchParams([...fields].filter(([, value]) => value !== ""));
    const number = ++asked;
    part.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${form.action}?${query}`, { headers: { accept: "text/html" } });
      // Who is not signed in any more goes where they can.
      if (answer.redirected) return location.assign(answer.url);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number !== asked) return;
      const fresh = page.querySelector(form.dataset.live) ?? page.querySelector("main");
      part.replaceChildren(...fresh.childNodes);
      if (answer.ok) history.replaceState(null, "", `${form.action}?${query}`);
    } catch {
      part.textContent = "The service does not answer. Try again in a moment.";
    } finally {
      if (number === asked) part.removeAttribute("aria-busy");
    }
  };
  let typing;
  form.addEventListener("submit", (event) => {
    // A button may lead elsewhere.
    if (event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    ask(event.submitter);
  });
  form.addEventListener("change", () => { clearTimeout(typing); ask(); });
  form.addEventListener("input", (event) => {
    if (event.target.matches("textarea, input:not([type]):not([data-names])")) {
      clearTimeout(typing);
      typing = setTimeout(ask, 400);
    }
  });
}

// A field of several values shows them as chips, each with a button that takes it away.
for (const field of document.querySelectorAll("input[data-chips]")) {
  const list = document.createElement("ul");
  list.className = "chips";
  const entry = field.cloneNode();
  entry.removeAttribute("name");
  entry.value = "";
  field.type = "hidden";
  field.removeAttribute("id");
  field.after(entry);
  entry.after(list);
  let values = field.value.split(",").map((value) => value.trim()).filter(Boolean);
  const show = () => {
    field.value = values.join(", ");
    list.replaceChildren(...values.map((value) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = `${value} ×`;
      button.setAttribute("aria-label", `Take away ${value}`);
      button.addEventListener("click", () => { values = values.filter((other) => other !== value); change(); entry.focus(); });
      item.append(button);
      return item;
    }));
  };
  const change = () => { show(); field.dispatchEvent(new Event("change", { bubbles: true })); };
  const take = () => {
    const fresh = entry.value.split(",").map((value) => value.trim()).filter((value) => value && !values.includes(value));
    entry.value = "";
    if (fresh.length) { values.push(...fresh); change(); }
  };
  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); take(); }
    if (event.key === "Backspace" && !entry.value && values.length) { values.pop(); change(); }
  });
  entry.addEventListener("change", (event) => { event.stopPropagation(); take(); });
  entry.addEventListener("input", (event) => event.stopPropagation());
  show();
}

// A field for somebody suggests whom its letters may mean; people of one name come with their ids, so that one is meant.
for (const field of document.querySelectorAll("input[data-names]")) {
  let asked = 0;
  const ask = async () => {
    const number = ++asked;
    const answer = await fetch(`/names?${new URLSearchParams({ name: field.value })}`);
    if (!answer.ok || answer.redirected || number !== asked) return;
    const { members } = await answer.json();
    const alike = (one) => members.filter(({ name }) => name === one.name).length > 1;
    field.list.replaceChildren(...members.map((one) => {
      const { city, region, country } = one.location ?? {};
      const told = [one.name, one.headline, [city, region, country].filter(Boolean).join(", ")].filter(Boolean);
      return new Option(told.join(" · "), alike(one) ? `${one.name} (${one.id})` : one.name);
    }));
  };
  let typing;
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => ask().catch(() => {}), 200);
  });
}

// A community's link carries the token behind a #, where no server and no log sees it.
for (const field of document.querySelectorAll("[data-from-fragment]")) {
  const given = new URLSearchParams(location.hash.slice(1)).get(field.dataset.fromFragment);
  if (given) {
    field.value = given;
    history.replaceState(null, "", location.pathname);
  }
}

// A file that is chosen is read into a field, where it can be looked over before it is sent.
for (const file of document.querySelectorAll("input[data-reads-into]")) {
  const field = document.getElementById(file.dataset.readsInto);
  file.closest("[hidden]")?.removeAttribute("hidden");
  file.addEventListener("change", () => {
    if (!file.files.length) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => { field.value = reader.result; field.focus(); });
    reader.readAsText(file.files[0]);
  });
}

// A rebuild tells how far it is; once it has ended, the page says how.
for (const rebuild of document.querySelectorAll("[data-rebuild]")) {
  const source = new EventSource(rebuild.dataset.rebuild);
  const bar = rebuild.querySelector("progress");
  const status = rebuild.querySelector("[role=status]");
  source.addEventListener("progress", (event) => {
    const { progress } = JSON.parse(event.data);
    const name = typeof progress === "string" ? progress : Object.keys(progress)[0];
    for (const step of rebuild.querySelectorAll("[data-step]")) {
      if (step.dataset.step !== name) step.removeAttribute("aria-current");
      else if (!step.hasAttribute("aria-current")) {
        step.setAttribute("aria-current", "step");
        status.textContent = step.textContent;
      }
    }
    const far = progress[name];
    if (far?.members) { bar.max = far.members; bar.value = far.done; } else { bar.removeAttribute("value"); }
  });
  source.addEventListener("ended", () => { source.close(); location.reload(); });
}
