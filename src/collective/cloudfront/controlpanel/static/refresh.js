// Keeps the state on the CloudFront page current. Without it, reloading does the same.
// The page says where to ask (data-refresh); what has not changed is left alone, and so
// is a part that somebody has the focus in.

const EVERY = 3000; // milliseconds
const LONGEST = 60000; // after errors, and when nothing changes for long

const parts = [...document.querySelectorAll("[data-refresh]")];
const said = document.getElementById("cloudfront-said");
let delay = EVERY;

async function refresh(part) {
  const answer = await fetch(part.dataset.refresh, {
    credentials: "same-origin",
    headers: { "X-Requested-With": "XMLHttpRequest" },
  });
  if (!answer.ok || answer.redirected) {
    throw new Error(`${answer.status} ${answer.url}`);
  }
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = parsed.querySelector("section");
  const known = part.querySelector("section");
  if (!fresh || !known || fresh.innerHTML === known.innerHTML) {
    return false;
  }
  if (part.contains(document.activeElement)) {
    return false;
  }
  known.replaceWith(fresh);
  return true;
}

function say() {
  const headline = document.getElementById("cloudfront-headline");
  const text = headline ? headline.textContent.trim() : "";
  if (said && said.textContent !== text) {
    said.textContent = text;
  }
}

async function go() {
  if (!document.hidden) {
    try {
      const changed = await Promise.all(parts.map(refresh));
      delay = changed.some(Boolean) ? EVERY : Math.min(delay * 1.1, LONGEST);
      if (changed.some(Boolean)) {
        say();
      }
    } catch {
      // Plone is being restarted, or the session is over: ask again, but seldom
      delay = Math.min(delay * 2, LONGEST);
    }
  }
  setTimeout(go, delay);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    delay = EVERY;
  }
});

if (parts.length) {
  setTimeout(go, EVERY);
}
