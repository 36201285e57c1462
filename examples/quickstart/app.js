"use strict";
document.documentElement.dataset.external = "ran";
for (const kind of ["inline", "external"]) {
  if (document.documentElement.dataset[kind] === "ran") {
    document.getElementById(kind).textContent = "ran";
  }
}
