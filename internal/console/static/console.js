// What the pages need beside htmx: parts that change by themselves, small charts, copying
// of commands, and forms that stay on their page.
(() => {
  "use strict";
  const csrf = document.body.dataset.csrf;

  document.body.addEventListener("htmx:configRequest", (e) => { e.detail.headers["X-CSRF-Token"] = csrf; });

  const say = (text) => { document.getElementById("message").textContent = text; };

  // A part is left alone while somebody is in one of its fields.
  const replace = (name, html) => {
    const part = document.getElementById(name);
    if (!part || part.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
    const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    const scrolled = [...part.querySelectorAll(".wide")].map((el) => el.scrollLeft);
    part.innerHTML = html;
    part.querySelectorAll(".wide").forEach((el, i) => { el.scrollLeft = scrolled[i] ?? 0; });
    window.htmx?.process(part);
    draw(part);
    if (focused) part.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };

  const parts = ["overview", "findings", "trouble", "clock", "job-letters", "job-replay", "job-verify", "job-plan", "job-backfill", "flow"];
  const live = new EventSource("/live");
  for (const name of parts) live.addEventListener(name, (e) => replace(name, e.data));
  live.addEventListener("error", () => replace("trouble", "<p>The console does not answer; it may have been ended.</p>"));
  live.addEventListener("open", () => replace("trouble", ""));

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  function draw(root) {
    for (const el of root.querySelectorAll("[data-spark]")) {
      if (el.firstChild) continue;
      const [times, replicas] = JSON.parse(el.dataset.spark);
      new uPlot({
        width: 160, height: 32, cursor: { show: false }, legend: { show: false }, select: { show: false },
        axes: [{ show: false }, { show: false }], scales: { y: { range: (_, __, max) => [0, Math.max(max || 0, 1)] } },
        series: [{}, { stroke: colour("--accent"), fill: colour("--accent"), width: 1, points: { show: false }, paths: uPlot.paths.bars({ size: [1, 6] }) }],
      }, [times, replicas], el);
    }
  }
  draw(document);

  document.addEventListener("click", async (e) => {
    const copy = e.target.closest("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(copy.dataset.copy);
      say("Copied.");
      return;
    }
    const post = e.target.closest("[data-post]");
    if (post) send(post.dataset.post, new URLSearchParams());
  });

  async function send(action, body) {
    const answer = await fetch(action, { method: "POST", body, headers: { "X-CSRF-Token": csrf, "HX-Request": "true" } });
    say(answer.ok ? "" : await answer.text());
    return answer.ok;
  }

  // Files that are dropped onto a Region, or chosen for it, are uploaded there.
  const upload = async (region, files) => {
    for (const file of files) {
      const to = new URLSearchParams({ region, key: file.name });
      const answer = await fetch("/sandbox/upload?" + to, { method: "POST", body: file, headers: { "X-CSRF-Token": csrf } });
      say(answer.ok ? `Uploaded ${file.name} to ${region}.` : await answer.text());
    }
  };
  for (const zone of document.querySelectorAll("[data-drop]")) {
    zone.addEventListener("dragover", (e) => { e.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (e) => { e.preventDefault(); zone.classList.remove("over"); upload(zone.dataset.drop, e.dataTransfer.files); });
    zone.querySelector("input[type=file]").addEventListener("change", (e) => upload(zone.dataset.drop, e.target.files));
  }
  document.addEventListener("change", (e) => {
    const fault = e.target.closest("[data-fault]");
    if (fault) send("/sandbox/fault", new URLSearchParams({ region: fault.dataset.region, kind: fault.dataset.fault, on: fault.checked }));
  });

  // A form that starts a run stays where the run is shown, else its page follows.
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (form.method !== "post") return;
    e.preventDefault();
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
    if (await send(form.getAttribute("action"), new URLSearchParams(new FormData(form)))) {
      const page = "/" + form.getAttribute("action").split("/")[1];
      if (location.pathname !== page) location.assign(page);
    }
  });
})();
