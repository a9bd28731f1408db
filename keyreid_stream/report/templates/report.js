(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("trails").textContent);
  const map = document.getElementById("map");
  const dots = document.getElementById("dots");
  const tails = document.getElementById("tails");
  const timeline = document.getElementById("timeline");
  const now = document.getElementById("now");
  const video = document.querySelector("video");
  if (!video) return;

  // Some browsers play no data: address, but all of them a blob.
  const source = video.querySelector("source");
  fetch(source.src).then((answer) => answer.blob()).then((blob) => {
    source.remove();
    video.src = URL.createObjectURL(blob);
  }).catch(() => {});

  const TAIL_S = 2.0;
  const element = (name, parent, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };
  // The last sample at or before a time, or -1.
  const before = (times, time) => {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1; else high = middle;
    }
    return low - 1;
  };

  const show = (time) => {
    dots.replaceChildren();
    tails.replaceChildren();
    const named = new Map();
    for (const trail of data.trails) {
      const last = before(trail.t, time);
      if (last < 0 || time - trail.t[trail.t.length - 1] > 0.25) continue;
      const points = [];
      for (let i = Math.max(0, before(trail.t, time - TAIL_S)); i <= last; i++) points.push(`${trail.x[i]},${trail.y[i]}`);
      element("polyline", tails, { points: points.join(" "), stroke: trail.colour });
      const place = { cx: trail.x[last], cy: trail.y[last], fill: trail.colour };
      if (named.has(trail.identity)) element("circle", dots, { ...place, r: 0.16 });
      else named.set(trail.identity, place);
    }
    // Names last, so that no other camera's dot is on them.
    for (const [identity, place] of named) {
      element("circle", dots, { ...place, r: 0.34 });
      element("text", dots, { x: place.cx, y: place.cy + 0.16 }).textContent = identity;
    }
    const x = 1000 * Math.min(1, time / data.length_s);
    now.setAttribute("x1", x);
    now.setAttribute("x2", x);
    now.setAttribute("visibility", "visible");
    map.classList.add("moving");
  };

  const follow = () => {
    show(video.currentTime);
    if (!video.paused && !video.ended) requestAnimationFrame(follow);
  };
  video.addEventListener("play", follow);
  for (const moved of ["seeking", "seeked"]) video.addEventListener(moved, () => show(video.currentTime));
  timeline.addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(timeline.getScreenCTM().inverse());
    video.currentTime = Math.max(0, Math.min(data.length_s, (point.x / 1000) * data.length_s));
  });
})();
