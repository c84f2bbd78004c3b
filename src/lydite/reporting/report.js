(function () {
  "use strict";
  var sections = JSON.parse(document.getElementById("credit-data").textContent);
  document.documentElement.classList.add("scripted");

  function number(value, decimals) {
    // Halves are rounded as in the figures that the file came with.
    var digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals, roundingMode: "halfEven" };
    return value.toLocaleString("en-US", digits).replace("-", "\u2212");
  }

  function amount(value) {
    var size = Math.abs(value);
    return number(value, size >= 100 || value === Math.trunc(value) ? 0 : size >= 10 ? 1 : 2);
  }

  function strong(text) {
    var element = document.createElement("strong");
    element.textContent = text;
    return element;
  }

  function named(names, before, after, channels) {
    var parts = channels.map(function (c) {
      return names[c] + " (" + number(before[c], 0) + " to " + number(after[c], 0) + ")";
    });
    return parts.join(" and ");
  }

  function moved(x, y) {
    return x.conversions.reduce(function (sum, n, c) { return sum + Math.max(n - y.conversions[c], 0); }, 0);
  }

  function showMove(section, element, x, y) {
    var after = x.conversions, before = y.conversions;
    var changes = after.map(function (n, c) { return n - before[c]; });
    var order = changes.map(function (_, c) { return c; }).sort(function (a, b) { return changes[a] - changes[b]; });
    var losing = order.filter(function (c) { return changes[c] <= -0.5; }).slice(0, 2);
    if (!losing.length) { losing = order.slice(0, 1); }
    var gaining = order.reverse().filter(function (c) { return changes[c] >= 0.5; }).slice(0, 2);
    if (!gaining.length) { gaining = order.slice(0, 1); }
    var all = moved(x, y);
    element.textContent = "";
    element.append("Budgeting by ", strong(x.label), " instead of ", strong(y.label));
    if (all < 0.5) { element.append(" moves nothing."); return; }
    element.append(" moves ", strong(number(all, 0) + " " + section.conversions));
    if (x.value && y.value) {
      var worth = x.value.reduce(function (sum, value, c) { return sum + Math.max(value - y.value[c], 0); }, 0);
      element.append(", worth " + section.currency + amount(worth) + ",");
    }
    element.append(" from " + named(section.names, before, after, losing));
    element.append(" to " + named(section.names, before, after, gaining) + ".");
    if (section.standing < 2) { return; }
    var by = section.models.slice(0, section.standing).map(function (model) { return moved(model, y); });
    var range = document.createElement("span");
    range.className = "soft";
    range.textContent = "By the " + section.standing + " models still standing: "
      + number(Math.min.apply(null, by), 0) + " to " + number(Math.max.apply(null, by), 0) + ".";
    element.append(" ", range);
  }

  function place(mark, name, percent) { mark.setAttribute(name, percent.toFixed(2) + "%"); }

  function showCredit(section, root, x) {
    var all = x.conversions.reduce(function (sum, n) { return sum + n; }, 0) || 1;
    root.querySelectorAll(".money tbody tr").forEach(function (row, c) {
      var share = 100 * x.conversions[c] / all;
      place(row.querySelector(".credit"), "cx", share / section.top);
      var line = row.querySelector(".interval");
      if (line && x.low[c] !== null) {
        // Ends are in tenths of a percent of the chart's width.
        place(line, "x1", x.low[c] / 10);
        place(line, "x2", x.high[c] / 10);
      }
      function write(name, text) {
        var cell = row.querySelector("td." + name);
        if (cell) { cell.textContent = text; }
      }
      row.querySelector("title").textContent = number(share, 1) + "% of credit by " + x.label;
      var spend = section.spend[c], nothing = "\u2013";
      write("conversions", amount(x.conversions[c]));
      write("share", number(share, 1) + "%");
      write("each", spend && x.conversions[c] ? amount(spend / x.conversions[c]) : nothing);
      if (x.value) { write("return", spend ? number(x.value[c] / spend, x.value[c] / spend < 100 ? 1 : 0) : nothing); }
    });
  }

  document.querySelectorAll("[data-outcome]").forEach(function (root) {
    var section = sections[root.dataset.outcome], text = root.querySelector(".move");
    if (!section) { return; }
    function pick(name) { return root.querySelector("[data-picks=" + name + "]"); }
    var first = pick("x"), second = pick("x2"), other = pick("y");
    function show() {
      var x = section.models[first.value];
      root.querySelectorAll(".legend .model").forEach(function (name) { name.textContent = x.label; });
      showCredit(section, root, x);
      if (text && other) { showMove(section, text, x, section.models[other.value]); }
    }
    function follow(from, to) {
      if (from) { from.addEventListener("change", function () { if (to) { to.value = from.value; } show(); }); }
    }
    follow(first, second);
    follow(second, first);
    follow(other, null);
  });

  document.querySelectorAll("[data-filters]").forEach(function (input) {
    // The table that follows the input.
    var block = input.parentElement.nextElementSibling;
    while (block && !block.querySelector("table")) { block = block.nextElementSibling; }
    if (!block) { return; }
    input.addEventListener("input", function () {
      var wanted = input.value.trim().toLowerCase();
      block.querySelectorAll("tbody tr:not(.family)").forEach(function (row) {
        row.hidden = !row.querySelector("th").textContent.toLowerCase().includes(wanted);
      });
    });
  });

  function openTarget() {
    var target = document.getElementById(location.hash.slice(1));
    var fold = target && target.querySelector("details");
    if (fold) { fold.open = true; target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();
})();
