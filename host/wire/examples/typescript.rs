//! Prints the parameters of every method as TypeScript, for the web client: `cargo xtask codegen` keeps the file.

use wire::{OPERATIONS, Param, Params, Type};

fn main() {
    println!("// Generated from the daemon's table of operations by `cargo xtask codegen`. Do not edit.");
    println!();
    println!("/** Parameters of the methods of `/api/`, by name. */");
    println!("export interface Params {{");
    for operation in OPERATIONS.iter().filter(|operation| operation.rpc) {
        println!("  /** {} */", operation.description);
        match operation.params {
            Params::Any => println!("  '{}': Record<string, unknown>;", operation.name),
            Params::Fields(fields) => println!("  '{}': {};", operation.name, record(fields)),
        }
    }
    println!("}}");
}

fn record(fields: &[Param]) -> String {
    let members = fields.iter().map(|field| {
        if field.name == "*" {
            return format!("[key: string]: {}", typescript(&field.ty));
        }
        let mark = if field.optional { "?" } else { "" };
        format!("{}{mark}: {}", field.name, typescript(&field.ty))
    });
    format!("{{ {} }}", members.collect::<Vec<_>>().join("; "))
}

fn typescript(ty: &Type) -> String {
    match ty {
        Type::Any => "unknown".to_owned(),
        Type::Str | Type::Text => "string".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Int | Type::Count | Type::Num => "number".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Word(words) => words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" | "),
        Type::List(item) => format!("({})[]", typescript(item)),
        Type::Map(value) => format!("Record<string, {}>", typescript(value)),
        Type::Record(fields) => record(fields),
        Type::Or(types) => types.iter().map(typescript).collect::<Vec<_>>().join(" | "),
    }
}
