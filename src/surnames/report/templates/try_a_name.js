"use strict";

// What the section computes, on values alone; the tests call it as a person's typing does.
const tryAName = (() => {
  const { alphabet, languages, messages, networks } = JSON.parse(
    document.getElementById("try-data").textContent,
  );
  const kept = new Set(alphabet.kept);
  const whiteSpace = new Set(alphabet.white_space); // Python's: \s differs in six characters
  const spelledOut = new Map(Object.entries(alphabet.spelled_out));
  const indexOf = new Map([...alphabet.letters].map((letter, index) => [letter, index]));

  const withoutMarks = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "");

  const spelled = (text) => [...text].map((sign) => spelledOut.get(sign) ?? sign).join("");

  const folded = (text) =>
    [...text].map((sign) => (whiteSpace.has(sign) ? " " : sign)).join("")
      .split(" ").filter(Boolean).join(" ");

  // A name as in training: cleaned_form of alphabet.py.
  function cleaned(text) {
    const spaced = folded(spelled(withoutMarks(text).split("/")[0]));
    const name = folded([...spaced].filter((sign) => kept.has(sign)).join(""));
    return /[A-Za-z]/.test(name) ? name : "";
  }

  // Whether something stands for it in the alphabet; marks and white space are no loss.
  function stands(sign) {
    const bare = withoutMarks(sign);
    return !folded(bare) || [...spelled(bare)].some((one) => kept.has(one));
  }

  // Itself, or its code point where it could not be seen.
  const visible = (sign) =>
    /[\p{C}\p{Z}]/u.test(sign)
      ? `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`
      : sign;

  // The characters of which nothing is read, in order, each once; all that stands behind a slash.
  function leftOut(text) {
    const signs = [...text.normalize("NFC")];
    const slash = signs.indexOf("/");
    const lost = signs.filter((sign, k) => (slash >= 0 && k >= slash) || !stands(sign));
    return [...new Set(lost)].map(visible);
  }

  // The weights of a network: float32 in base64, as every browser's processor keeps them.
  function decoded(network) {
    const numbers = (text) =>
      new Float32Array(Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)).buffer);
    const entries = Object.entries(network.weights).map(([name, text]) => [name, numbers(text)]);
    return { ...network, weights: Object.fromEntries(entries) };
  }

  const ACTIVATIONS = { linear: (v) => v, tanh: Math.tanh, relu: (v) => Math.max(v, 0) };

  // A row of a matrix (rows, width) times [one-hot letter ; state], a state alone where no letter.
  function product(matrix, row, width, letter, state) {
    const start = row * width;
    const first = start + width - state.length; // of the columns for the state
    let sum = first > start ? matrix[start + letter] : 0;
    for (let k = 0; k < state.length; k += 1) sum += matrix[first + k] * state[k];
    return sum;
  }

  function softmax(logits) {
    const largest = Math.max(...logits);
    const each = logits.map((logit) => Math.exp(logit - largest));
    const total = each.reduce((sum, one) => sum + one, 0);
    return each.map((one) => one / total);
  }

  // (letters, languages): the probabilities after each letter of a cleaned name, in float64.
  function probabilities(network, name) {
    const { weights } = network;
    const bias = weights["cell.bias"];
    const width = weights["cell.weight"].length / bias.length;
    const readoutWidth = weights["readout.weight"].length / languages.length;
    const activate = ACTIVATIONS[network.activation];
    let state = new Float64Array(bias.length);
    return [...name].map((sign) => {
      const letter = indexOf.get(sign);
      const next = state.map((_, j) =>
        activate(product(weights["cell.weight"], j, width, letter, state) + bias[j]));
      const seen = readoutWidth > bias.length ? state : next; // beside the state, or from it
      state = next;
      return softmax(languages.map((_, k) =>
        product(weights["readout.weight"], k, readoutWidth, letter, seen)
          + weights["readout.bias"][k]));
    });
  }

  // Everything that is shown for a typed text; no readings where there is nothing to read.
  function read(text) {
    const name = cleaned(text);
    if (!name) {
      const message = folded(text) ? messages.nothing_left : messages.empty;
      return { name, message, readings: [] };
    }
    const lost = leftOut(text);
    const message = lost.length ? messages.left_out.replace("{}", () => lost.join(", ")) : "";
    return { name, message, readings: decodedNetworks.map((one) => probabilities(one, name)) };
  }

  const decodedNetworks = networks.map(decoded);
  return { cleaned, leftOut, read, languages, networks };
})();

// What a person sees of it.
(() => {
  const ROWS = 5;
  const LEADERS = 3; // of each network
  const { languages, networks } = tryAName;
  const field = document.getElementById("try-name");

  function element(tag, text = "", attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    return made;
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const byShare = (shares) =>
    languages.map((_, k) => k).sort((one, other) => shares[other] - shares[one]);

  // The languages with a row: those that lead in any network after the last letter.
  function leading(readings) {
    const ends = readings.map((reading) => reading.at(-1));
    const highest = languages.map((_, k) => Math.max(...ends.map((shares) => shares[k])));
    const leaders = new Set(ends.flatMap((shares) => byShare(shares).slice(0, LEADERS)));
    return byShare(highest).filter((k) => leaders.has(k)).slice(0, ROWS);
  }

  function row(title, shares, leads) {
    const made = element("tr");
    made.append(element("th", title, { scope: "row" }));
    shares.forEach((share, t) => {
      const cell = element("td", (100 * share).toFixed(0), leads[t] ? { class: "leads" } : {});
      cell.style.setProperty("--share", share);
      made.append(cell);
    });
    made.append(element("td", percent(shares.at(-1))));
    return made;
  }

  function table(network, name, reading, shown) {
    const leaders = reading.map((shares) => byShare(shares)[0]);
    const answer = leaders.at(-1);
    const caption = element("caption");
    caption.append(
      element("code", network.architecture), element("span", network.words, { class: "words" }),
      element("strong", `${languages[answer]}, ${percent(reading.at(-1)[answer])}`),
    );
    const head = element("tr");
    head.append(element("td"));
    [...name].forEach((letter) => head.append(
      letter === " "
        ? element("th", "␣", { scope: "col", "aria-label": "space" })
        : element("th", letter, { scope: "col" })));
    head.append(element("th", "in the end", { scope: "col" }));
    const body = element("tbody");
    shown.forEach((k) => body.append(
      row(languages[k], reading.map((shares) => shares[k]), leaders.map((one) => one === k))));
    const rest = reading.map((shares) => 1 - shown.reduce((sum, k) => sum + shares[k], 0));
    body.append(row(`${languages.length - shown.length} others`, rest, []));
    const made = element("table");
    made.append(caption, element("thead"), body);
    made.tHead.append(head);
    const label = `${network.architecture}, letter by letter`;
    const scroll = element("div", "",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": label });
    scroll.append(made);
    return scroll;
  }

  function show() {
    const { name, message, readings } = tryAName.read(field.value);
    const answers = readings.map((reading, n) => {
      const shares = reading.at(-1);
      const answer = byShare(shares)[0];
      return `${networks[n].architecture} answers ${languages[answer]}, ${percent(shares[answer])}`;
    });
    const status = document.getElementById("try-status");
    status.replaceChildren();
    if (name) status.append(element("p", `${name}: ${answers.join("; ")}.`, { class: "try-heard" }));
    if (message) status.append(element("p", message, { class: "try-message" }));
    const shown = name ? leading(readings) : [];
    const tables = readings.map((reading, n) => table(networks[n], name, reading, shown));
    document.getElementById("try-networks").replaceChildren(...tables);
    tables.forEach((one) => one.classList.toggle("more", one.scrollWidth > one.clientWidth));
  }

  const form = document.getElementById("try-form");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLButtonElement)) return;
    field.value = event.target.value;
    show();
  });
  field.addEventListener("input", show);
  show();
})();
