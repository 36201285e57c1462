// A form is sent once, however impatiently its button is pressed. Without this the server sees to it.
"use strict";

const sent = new WeakSet();

document.addEventListener("submit", (event) => {
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});

// Whoever goes back sees the page as he has left it, and may send it again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) sent.delete(form);
});
