// Keeps the list of events up to date. Without it there is a link that does.
"use strict";

const rows = document.getElementById("events");
const how = document.getElementById("how");

function row(event) {
  const line = document.createElement("tr");
  line.className = event.level;
  for (const text of [event.at, event.name, event.client, event.route, event.count]) {
    line.insertCell().textContent = text; // text, and never markup
  }
  line.cells[1].title = event.what;
  return line;
}

async function look() {
  const answer = await fetch("/security/events");
  if (!answer.ok) throw new Error(answer.status);
  rows.replaceChildren(...(await answer.json()).map(row));
}

how.textContent = "Kept up to date.";
const timer = setInterval(() => look().catch(() => {
  clearInterval(timer);
  how.textContent = "No longer up to date: load the page again.";
}), 2000);
