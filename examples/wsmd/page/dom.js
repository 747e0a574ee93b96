/* ---- small helpers: what agents write goes into the page as text, never as HTML ---- */

const $ = (id) => document.getElementById(id);

/* An element with a class and children, which are elements or text; what is not there is left out. */
const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
};

const button = (text, className, act) => {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
};

const uuid = () => {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  const hex = Array.from(b, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
};

/* Whole numbers that JavaScript cannot hold are shown as they were written, where the browser can do that. */
const parse = (text) => JSON.parse(text, JSON.rawJSON && ((key, value, at) =>
  Number.isInteger(value) && !Number.isSafeInteger(value) ? JSON.rawJSON(at.source) : value));

const list = (value) => Array.isArray(value) ? value : [];
const plain = (status) => String(status).replaceAll("_", " ");
const pill = (text, className) => make("span", "pill " + (className ?? text), plain(text));
const names = (all) => all.length < 2 ? all.join("") : all.slice(0, -1).join(", ") + " and " + all.at(-1);

const ago = (time) => {
  const s = Math.max(0, (Date.now() - new Date(time).getTime()) / 1000);
  if (s < 60) return "just now";
  if (s < 3600) return Math.floor(s / 60) + " min ago";
  if (s < 86400) return Math.floor(s / 3600) + " h ago";
  return new Date(time).toLocaleDateString();
};

/* One call for many of the same turn. */
const soon = (act) => {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    setTimeout(() => { waits = false; act(); }, 60);
  };
};
