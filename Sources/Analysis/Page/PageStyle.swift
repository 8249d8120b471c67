/// How a program's page looks, and the controls of its graph.
enum PageStyle {
    static let text = """
        :root { color-scheme: light; --line: #e2e8f0; --quiet: #64748b; }
        body { font: 14px/1.45 system-ui, sans-serif; color: #0f172a; margin: 0 auto; max-width: 1280px; padding: 0 24px 48px; }
        h1 { font-size: 22px; margin: 24px 0 4px; }
        header p { margin: 0 0 16px; color: var(--quiet); }
        .quiet { color: var(--quiet); }
        .panel { border: 1px solid var(--line); border-radius: 8px; margin: 12px 0; padding: 0 16px 12px; }
        .panel > summary { font-weight: 600; padding: 12px 0; cursor: pointer; }
        .declaration { border-left: 4px solid; padding: 4px 0 4px 12px; margin: 6px 0; }
        .declaration b { padding: 1px 6px; border-radius: 4px; }
        .declaration table { border-collapse: collapse; margin: 8px 0; font-size: 13px; }
        .declaration td, .declaration th { border-bottom: 1px solid var(--line); padding: 3px 12px 3px 0; text-align: left; }
        .note { color: #a16207; margin: 4px 0; }
        .drawing { overflow-x: auto; }
        .controls { display: flex; gap: 10px; flex-wrap: wrap; align-items: center; position: sticky; top: 0; background: #fff; padding: 8px 0; z-index: 1; }
        .controls input[type=search] { flex: 1; min-width: 220px; padding: 6px 10px; font: inherit; border: 1px solid #94a3b8; border-radius: 6px; }
        button { font: inherit; font-size: 12px; padding: 3px 10px; border: 1px solid #94a3b8; border-radius: 6px; background: #f8fafc; cursor: pointer; }
        button:hover { background: #e2e8f0; }
        #graph { font: 12px/1.6 ui-monospace, monospace; overflow-x: auto; }
        #graph details { margin-left: 14px; }
        #graph > details { margin-left: 0; }
        #graph summary { cursor: pointer; white-space: nowrap; }
        #graph summary .count { color: var(--quiet); }
        .node { margin-left: 26px; white-space: nowrap; border-left: 3px solid transparent; padding-left: 6px; }
        .node.rewired { border-left-color: #dc2626; }
        .node a { color: inherit; text-decoration-color: #94a3b8; }
        .node .was { color: #dc2626; text-decoration: line-through; }
        .node .was.plain { color: inherit; text-decoration: none; }
        .node .type { color: var(--quiet); }
        .node .site { background: #fef9c3; border-radius: 3px; padding: 0 4px; }
        .node:target, .node.found { outline: 2px solid #2563eb; }
        .hidden { display: none; }

        """

    static let controls = """
        <div class="controls">
        <input type="search" id="search" placeholder="Search: operation, site, module, parameter, %12 …" autocomplete="off">
        <label><input type="radio" name="view" value="after" checked> after</label>
        <label><input type="radio" name="view" value="before"> before</label>
        <label><input type="radio" name="view" value="changes"> changes only</label>
        <button type="button" id="unfold">unfold all</button>
        <button type="button" id="fold">fold all</button>
        <span class="quiet" id="found"></span>
        </div>

        """
}
