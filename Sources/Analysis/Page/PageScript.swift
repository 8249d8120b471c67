/// The script of a program's page: builds the tree of modules from the embedded graph, searches, folds and filters it.
enum PageScript {
    static let text = #"""
        "use strict";
        const graph = JSON.parse(document.getElementById("computation").textContent);
        const changes = JSON.parse(document.getElementById("changes").textContent);
        const added = new Set(changes.added), rewired = new Map(Object.entries(changes.rewired));
        const sites = new Map();
        for (const site of graph.sites) {
          const list = sites.get(site.value) || [];
          list.push(site.id);
          sites.set(site.value, list);
        }
        const users = new Map();
        graph.nodes.forEach((node, id) => node.inputs.forEach(input => {
          const source = input.split(".")[0];
          (users.get(source) || users.set(source, new Set()).get(source)).add("%" + id);
        }));

        function element(name, attributes, ...children) {
          const made = document.createElement(name);
          for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
          made.append(...children);
          return made;
        }

        // The tree of modules. What a declaration added stands in the layer whose rows it edits.
        const root = { name: "", children: new Map(), nodes: [], parent: null };
        function child(parent, name, declaration) {
          let found = parent.children.get(name);
          if (!found) {
            found = { name, children: new Map(), nodes: [], parent, declaration };
            parent.children.set(name, found);
          }
          return found;
        }
        function layerOf(path) {
          const parts = path.split("."), number = parts.findIndex(part => /^\d+$/.test(part));
          return number < 0 ? parts.slice(0, 1) : parts.slice(0, number + 1);
        }
        let open = [];
        graph.nodes.forEach((node, id) => {
          const match = /^#(\d+) (.*)$/s.exec(node.provenance);
          let place = root;
          if (match && added.has(id)) {
            for (const part of open) place = child(place, part);
            place = child(place, node.provenance, match[2]);
          } else {
            for (const part of node.provenance.split(".")) place = child(place, part);
            open = layerOf(node.provenance);
          }
          place.nodes.push(id);
        });

        function reference(value) {
          return element("a", { href: "#n" + value.slice(1).split(".")[0] }, value);
        }
        function shape(type) { return (type.element === "index" ? "index " : "") + "[" + type.rows + ", " + type.columns + "]"; }

        const lines = [];
        function line(id) {
          const node = graph.nodes[id];
          const made = element("div", { class: "node", id: "n" + id });
          const texts = [node.id, node.operation, node.provenance];
          made.append(node.id + " = " + node.operation);
          const before = rewired.get(String(id));
          if (node.inputs.length) {
            made.append("(");
            node.inputs.forEach((input, place) => {
              if (place) made.append(", ");
              const old = before && before[place] !== input ? before[place] : null;
              if (old) made.append(element("span", { class: "was", title: "before the program" }, reference(old)), " ");
              const now = reference(input);
              if (old) now.setAttribute("class", "now");
              made.append(now);
            });
            made.append(")");
          }
          for (const [key, value] of Object.entries(node.attributes)) {
            made.append(key === "name" ? " " + value : " " + key + ": " + value);
            texts.push(key === "name" ? String(value) : key + ": " + value);
          }
          const types = node.results.map(shape).join(", ");
          made.append(" ", element("span", { class: "type" }, types));
          texts.push(types);
          node.results.forEach((_, result) => {
            for (const site of sites.get(node.id + (result ? "." + result : "")) || []) {
              made.append(" ", element("span", { class: "site" }, site));
              texts.push(site);
            }
          });
          const readers = users.get(node.id);
          made.title = node.provenance + (readers ? "\nread by " + [...readers].join(", ") : "\nread by nobody");
          if (before) made.classList.add("rewired");
          const declared = /^#\d+ (.*)$/s.exec(node.provenance);
          const colour = declared && added.has(id) ? changes.colours[declared[1]] : null;
          if (colour) { made.style.background = colour[0]; made.style.borderLeftColor = colour[1]; }
          lines.push({ made, id, text: texts.join(" ").toLowerCase(), declaration: colour ? declared[1] : null,
                       isAdded: added.has(id), isChanged: added.has(id) || !!before });
          return made;
        }

        const folders = [];
        function draw(place, into) {
          const parts = [...place.children.values()].map(part => ({ first: first(part), part }))
            .concat(place.nodes.map(id => ({ first: id, id }))).sort((a, b) => a.first - b.first);
          for (const item of parts) {
            if (item.part === undefined) { into.append(line(item.id)); continue; }
            const folder = element("details", {}), count = element("span", { class: "count" });
            const title = element("span", {}, item.part.name);
            const colour = item.part.declaration === undefined ? null : changes.colours[item.part.declaration];
            if (colour) title.style.background = colour[0];
            folder.append(element("summary", {}, title, " ", count));
            folders.push({ folder, count, part: item.part });
            draw(item.part, folder);
            into.append(folder);
          }
        }
        function first(place) {
          if (place.first === undefined) {
            place.first = Math.min(...place.nodes.slice(0, 1), ...[...place.children.values()].map(first));
          }
          return place.first;
        }
        const container = document.getElementById("graph");
        container.replaceChildren();
        draw(root, container);

        const search = document.getElementById("search"), found = document.getElementById("found");
        let onlyDeclaration = null;
        function update() {
          const view = document.querySelector("input[name=view]:checked").value;
          const words = search.value.toLowerCase().split(/\s+/).filter(word => word);
          const isFiltered = words.length > 0 || onlyDeclaration !== null || view === "changes";
          let shown = 0;
          for (const line of lines) {
            const isShown = (view !== "before" || !line.isAdded) && (view !== "changes" || line.isChanged)
              && (onlyDeclaration === null || line.declaration === onlyDeclaration)
              && words.every(word => line.text.includes(word));
            line.made.classList.toggle("hidden", !isShown);
            for (const old of line.made.querySelectorAll(".was")) old.classList.toggle("plain", view === "before");
            for (const now of line.made.querySelectorAll(".now")) now.classList.toggle("hidden", view === "before");
            if (isShown) shown += 1;
          }
          for (const { folder, count } of folders) {
            const visible = folder.querySelectorAll(".node:not(.hidden)").length;
            folder.classList.toggle("hidden", visible === 0);
            count.textContent = visible + (visible === 1 ? " node" : " nodes");
            if (isFiltered) folder.open = visible > 0 && shown <= 400;
          }
          found.textContent = (onlyDeclaration === null ? "" : onlyDeclaration + ": ") + shown + (shown === 1 ? " node" : " nodes");
        }
        function reveal(target) {
          for (let place = target.parentElement; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
          target.scrollIntoView({ block: "center" });
          document.querySelectorAll(".node.found").forEach(old => old.classList.remove("found"));
          target.classList.add("found");
        }
        container.addEventListener("click", event => {
          const link = event.target.closest("a");
          if (!link) return;
          event.preventDefault();
          const target = document.getElementById(link.getAttribute("href").slice(1));
          if (!target) return;
          if (target.classList.contains("hidden")) { search.value = ""; onlyDeclaration = null; document.querySelector("input[value=after]").checked = true; update(); }
          reveal(target);
        });
        search.addEventListener("input", () => { onlyDeclaration = null; update(); });
        document.querySelectorAll("input[name=view]").forEach(radio => radio.addEventListener("change", update));
        document.getElementById("unfold").addEventListener("click", () => folders.forEach(({ folder }) => { folder.open = true; }));
        document.getElementById("fold").addEventListener("click", () => folders.forEach(({ folder }) => { folder.open = false; }));
        document.querySelectorAll(".only").forEach(button => button.addEventListener("click", event => {
          event.preventDefault();
          search.value = "";
          onlyDeclaration = button.closest(".declaration").dataset.name;
          document.querySelector("input[value=after]").checked = true;
          update();
          container.scrollIntoView({ block: "start" });
        }));
        // The address may name what to show: #search=lm_head or #changes.
        const wanted = decodeURIComponent(location.hash.slice(1));
        if (wanted.startsWith("search=")) search.value = wanted.slice(7);
        if (wanted === "changes") document.querySelector("input[value=changes]").checked = true;
        update();

        """#
}
