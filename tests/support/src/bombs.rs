//! Components that are valid, not long, and hard to compile or to start: made by adding to a component that does nothing
//! of the kind.

use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentInstanceSection, ComponentSection as _,
    ComponentSectionId, Function, FunctionSection, InstanceSection, InstructionSink, Module,
    ModuleArg, ModuleSection, RawSection, TypeSection, ValType,
};

/// Just below the longest function that WebAssembly implementations take, in bytes.
const LONGEST: usize = 7_000_000;

/// Modules that make a compiler work, each in its own way.
pub fn modules() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("one long function", one(1, straight)),
        (
            "many values that live across many loops",
            one(10_000, loops),
        ),
        ("jump tables", one(1, jumps)),
        ("blocks in blocks", one(1, nested)),
        ("many functions", many(500_000)),
    ]
}

/// A module with one function with so many variables.
fn one(variables: u32, body: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<u8> {
    let mut function = Function::new([(variables, ValType::I32)]);
    body(&mut function.instructions());
    function.instructions().end();
    module(1, &function)
}

/// A module with so many functions.
fn many(count: u32) -> Vec<u8> {
    let mut function = Function::new([]);
    function.instructions().end();
    module(count, &function)
}

fn module(count: u32, function: &Function) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for _ in 0..count {
        functions.function(0);
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}

/// Nothing but sums, each of the one before.
fn straight(body: &mut InstructionSink<'_>) {
    for number in 0..(LONGEST / 9) as i32 {
        body.local_get(1).i32_const(number).i32_mul().local_set(1);
    }
}

/// At each loop every variable may come from two places.
fn loops(body: &mut InstructionSink<'_>) {
    for _ in 0..1_000 {
        body.loop_(BlockType::Empty).local_get(0).br_if(0).end();
    }
    for variable in 1..10_000 {
        body.local_get(variable).local_get(0).i32_add().local_set(0);
    }
}

/// Each with as many targets as it may have.
fn jumps(body: &mut InstructionSink<'_>) {
    let targets = vec![0; 65_000];
    for _ in 0..LONGEST / 65_100 {
        body.block(BlockType::Empty)
            .local_get(0)
            .br_table(targets.iter().copied(), 0)
            .end();
    }
}

/// As deep as it goes, with a way out at each.
fn nested(body: &mut InstructionSink<'_>) {
    let depth = (LONGEST / 10) as u32;
    for _ in 0..depth {
        body.block(BlockType::Empty);
    }
    for level in 0..depth {
        body.local_get(0).br_if(level % 100).end();
    }
}

/// The component with one module more. It is not used, but it is compiled.
pub fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    section(&mut bytes, ComponentSectionId::CoreModule, module);
    bytes
}

/// The component with so many instances more, of a module that is empty.
pub fn with_instances(component: &[u8], count: usize) -> Vec<u8> {
    let mut inner = Component::new();
    inner.section(&ModuleSection(&Module::new()));
    let mut instances = InstanceSection::new();
    for _ in 0..count {
        instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    }
    inner.section(&instances);
    let mut bytes = component.to_vec();
    let before = count_sections(component, ComponentSectionId::Component);
    section(&mut bytes, ComponentSectionId::Component, &inner.finish());
    let mut instances = ComponentInstanceSection::new();
    let arguments: [(&str, wasm_encoder::ComponentExportKind, u32); 0] = [];
    instances.instantiate(before, arguments);
    instances.append_to_component(&mut bytes);
    bytes
}

fn section(bytes: &mut Vec<u8>, id: ComponentSectionId, data: &[u8]) {
    let id = id.into();
    RawSection { id, data }.append_to_component(bytes);
}

/// Sections of one kind at the top of a component.
fn count_sections(component: &[u8], wanted: ComponentSectionId) -> u32 {
    let wanted = u8::from(wanted);
    let mut rest = &component[8..];
    let mut count = 0;
    while let Some((id, behind)) = rest.split_first() {
        count += u32::from(*id == wanted);
        let (length, behind) = leb(behind);
        rest = &behind[length..];
    }
    count
}

/// A number as WebAssembly writes it, and what follows.
fn leb(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes
        .iter()
        .position(|byte| byte & 0x80 == 0)
        .expect("a last byte")
        + 1;
    let (number, behind) = bytes.split_at(length);
    let value = number
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    (value, behind)
}
