// Keeps what tells of a state current. Without it, reloading does the same.
// The page says where to ask (data-refresh). The answer has sections, which replace those
// with the same ids. What has not changed is left alone, and so is a section that somebody
// has the focus in; details stay open that somebody has opened. What only counts seconds (data-volatile) is
// shown, but is no change: it is not said to screen readers. A part with something final
// in it (data-final) is not asked for again.

const EVERY = 3000; // milliseconds
const IDLE = 10000; // at most, when nothing changes for long
const LONGEST = 60000; // after errors

let parts = [...document.querySelectorAll("[data-refresh]")];
const said = document.getElementById("cloudfront-said");
let delay = EVERY;

function lasting(section) {
  const copy = section.cloneNode(true);
  // Each rendering has other authenticators
  const volatile = "[data-volatile], input[name=_authenticator]";
  copy.querySelectorAll(volatile).forEach((element) => element.remove());
  return copy.innerHTML;
}

async function refresh(part) {
  const answer = await fetch(part.dataset.refresh, {
    credentials: "same-origin",
    headers: { "X-Requested-With": "XMLHttpRequest" },
  });
  if (!answer.ok || answer.redirected) {
    throw new Error(`${answer.status} ${answer.url}`);
  }
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...parsed.querySelectorAll("section[id]")].map(renew).some(Boolean);
}

function renew(fresh) {
  const known = document.getElementById(fresh.id);
  if (!known || known.contains(document.activeElement)) {
    return false;
  }
  for (const details of known.querySelectorAll("details[id]")) {
    const again = fresh.querySelector(`details[id="${CSS.escape(details.id)}"]`);
    if (again) {
      again.open = details.open;
    }
  }
  if (fresh.innerHTML === known.innerHTML && fresh.className === known.className) {
    return false;
  }
  known.replaceWith(fresh);
  return lasting(fresh) !== lasting(known);
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
      parts = parts.filter((part) => !part.querySelector("[data-final]"));
      delay = changed.some(Boolean) ? EVERY : Math.min(delay * 1.1, IDLE);
      if (changed.some(Boolean)) {
        say();
      }
    } catch {
      // Plone is being restarted, or the session is over: ask again, but seldom
      delay = Math.min(delay * 2, LONGEST);
    }
  }
  if (parts.length) {
    setTimeout(go, delay);
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    delay = EVERY;
  }
});

// Until version 3.0 the settings were on the page of the status.
const moved = document.querySelector("[data-settings]");
if (moved && /^#(fieldset-|cloudfront-settings)/.test(location.hash)) {
  location.replace(moved.dataset.settings + location.hash);
}

if (parts.length) {
  setTimeout(go, EVERY);
}
