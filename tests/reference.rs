//! `docs/gates/reference.md` is made of the interface of gates: `plugins/wit/gate.wit` says what each call promises,
//! `plugins/lua/gate.d.luau` how it is called in Lua. `UPDATE_DOCS=1 cargo test reference` writes it.

use std::{fmt::Write, path::Path};
use wit_parser::{Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind, WorldItem};

/// The order in which a reader wants them.
const INTERFACES: [&str; 4] = ["candidate", "granted", "log", "types"];

const HEAD: &str = "# What a gate sees and says

A test writes this page, from [plugins/wit/gate.wit](../../plugins/wit/gate.wit) and [plugins/lua/gate.d.luau](../../plugins/lua/gate.d.luau). A component
exports the world `gate`; a Lua gate returns a table with the same fields and has the same calls, with `_` for `-`, `nil` for none and a plain table for a
record. Where a call fails, a component traps and a Lua gate gets an error; either way the gate's answer is `error`.
";

fn words(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().trim().replace('\n', " ")
}

fn lua(name: &str) -> String {
    name.replace('-', "_")
}

fn name(resolve: &Resolve, ty: &Type) -> String {
    let of = |ty: &Type| name(resolve, ty);
    match ty {
        Type::Id(id) => match (&resolve.types[*id].name, &resolve.types[*id].kind) {
            (Some(name), _) => name.clone(),
            (None, TypeDefKind::Option(inner)) => format!("option<{}>", of(inner)),
            (None, TypeDefKind::List(inner)) => format!("list<{}>", of(inner)),
            (None, TypeDefKind::Tuple(tuple)) => format!("tuple<{}>", tuple.types.iter().map(of).collect::<Vec<_>>().join(", ")),
            (None, TypeDefKind::Result(result)) => {
                format!("result<{}, {}>", result.ok.as_ref().map_or("_".into(), of), result.err.as_ref().map_or("_".into(), of))
            }
            (None, other) => panic!("{} is not explained yet", other.as_str()),
        },
        plain => format!("{plain:?}").to_lowercase(),
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let params: Vec<String> = function.params.iter().map(|p| format!("{}: {}", p.name, name(resolve, &p.ty))).collect();
    let result = function.result.as_ref().map(|ty| format!(" -> {}", name(resolve, ty))).unwrap_or_default();
    format!("{}: func({}){result}", function.name, params.join(", "))
}

/// How `table.name` is called in Lua: its line in the types for editors.
fn lua_signature(types: &str, table: &str, name: &str) -> String {
    let declared = types.split(&format!("declare {table}: {{\n")).nth(1).and_then(|rest| rest.split("\n}").next());
    let declared = declared.unwrap_or_else(|| panic!("gate.d.luau declares no {table}"));
    let line = declared.lines().find_map(|line| line.trim().strip_prefix(&format!("{}: ", lua(name))));
    let line = line.unwrap_or_else(|| panic!("gate.d.luau has no {table}.{}", lua(name)));
    format!("{table}.{}{}", lua(name), line.trim_end_matches(','))
}

fn functions(page: &mut String, resolve: &Resolve, interface: &Interface, types: &str) {
    let table = interface.name.as_deref().unwrap();
    for (name, function) in &interface.functions {
        assert!(!words(&function.docs).is_empty() || table == "log", "{table}.{name} is not explained");
        write!(page, "\n### {name}\n\n").unwrap();
        if !words(&function.docs).is_empty() {
            write!(page, "{}\n\n", words(&function.docs)).unwrap();
        }
        writeln!(page, "- Lua: `{}`", lua_signature(types, table, name)).unwrap();
        writeln!(page, "- WIT: `{}`", signature(resolve, function)).unwrap();
    }
}

fn definition(page: &mut String, resolve: &Resolve, definition: &TypeDef) {
    let title = definition.name.as_deref().unwrap();
    match &definition.kind {
        TypeDefKind::Record(record) => {
            write!(page, "\n### {title}\n\n{}\n\n| field | type | |\n| --- | --- | --- |\n", words(&definition.docs)).unwrap();
            for field in &record.fields {
                writeln!(page, "| `{}` | `{}` | {} |", field.name, name(resolve, &field.ty), words(&field.docs)).unwrap();
            }
        }
        TypeDefKind::Enum(values) => {
            write!(page, "\n### {title}\n\n{}\n\n", words(&definition.docs)).unwrap();
            for case in &values.cases {
                let about = Some(words(&case.docs)).filter(|about| !about.is_empty()).map(|about| format!(": {about}"));
                writeln!(page, "- `{}`{}", case.name, about.unwrap_or_default()).unwrap();
            }
        }
        // A name that another interface gives.
        TypeDefKind::Type(_) => {}
        other => panic!("{} is not explained yet", other.as_str()),
    }
}

#[test]
fn the_reference_is_what_the_interface_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let types = read("plugins/lua/gate.d.luau");
    let mut resolve = Resolve::default();
    let package = resolve.push_source("gate.wit", &read("plugins/wit/gate.wit")).unwrap();
    let package = &resolve.packages[package];
    let world = &resolve.worlds[package.worlds["gate"]];

    let mut page = format!("{HEAD}\nThis is version {}.\n\n## A gate\n", package.name.version.as_ref().unwrap());
    for item in world.exports.values() {
        let WorldItem::Function(function) = item else { panic!("the world exports more than functions") };
        write!(page, "\n### {}\n\n{}\n\n", function.name, words(&function.docs)).unwrap();
        let lua = match function.name.as_str() {
            "describe" => "the fields of `manifest` in the table that the file returns",
            "check" => "`check: () -> Verdict` in that table",
            other => panic!("nothing says what {other} is in Lua"),
        };
        writeln!(page, "- Lua: {lua}\n- WIT: `{}`", signature(&resolve, function)).unwrap();
    }
    assert_eq!(package.interfaces.len(), INTERFACES.len(), "an interface is not in the page");
    for interface in INTERFACES.map(|name| &resolve.interfaces[package.interfaces[name]]) {
        write!(page, "\n## {}\n\n{}\n", interface.name.as_deref().unwrap(), words(&interface.docs)).unwrap();
        functions(&mut page, &resolve, interface, &types);
        for id in interface.types.values() {
            definition(&mut page, &resolve, &resolve.types[*id]);
        }
    }
    let kept = root.join("docs/gates/reference.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&kept, &page).unwrap();
    }
    assert!(std::fs::read_to_string(kept).is_ok_and(|kept| kept == page), "run UPDATE_DOCS=1 cargo test reference");
}
