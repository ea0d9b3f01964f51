//! Prints what privileges can name as TypeScript, for the web client: `cargo xtask codegen` keeps the file.

fn main() {
    println!("// Generated from the daemon's words of privileges by `cargo xtask codegen`. Do not edit.");
    println!();
    println!(
        "/** Types of objects and the actions on them that privileges can name; `update:*` stands for any one property. */"
    );
    println!("export const ACTIONS: Readonly<Record<string, readonly string[]>> = {{");
    for (resource, actions) in access::RESOURCES {
        let actions = actions.iter().map(|action| format!("'{action}'")).collect::<Vec<_>>().join(", ");
        println!("  '{resource}': [{actions}],");
    }
    println!("}};");
}
