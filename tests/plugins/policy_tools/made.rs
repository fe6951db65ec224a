//! Components that no compiler made: they have the types of a world, and nothing works in them.

use std::fs;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId, Resolve};

use regcarve_test_support::docs::repository;

/// Adds the contract to `resolve`, after these replacements in its text.
pub(crate) fn push_contract(
    resolve: &mut Resolve,
    folder: &str,
    changes: &[(&str, &str)],
) -> PackageId {
    let copy = tempfile::tempdir().unwrap();
    let mut made = 0;
    for entry in fs::read_dir(repository(folder)).unwrap() {
        let entry = entry.unwrap();
        let mut text = fs::read_to_string(entry.path()).unwrap();
        for (from, to) in changes {
            made += text.matches(from).count();
            text = text.replace(from, to);
        }
        fs::write(copy.path().join(entry.file_name()), text).unwrap();
    }
    assert!(
        changes.is_empty() || made >= changes.len(),
        "the contract has no {changes:?}"
    );
    resolve.push_dir(copy.path()).unwrap().0
}

/// A component of a world of the contract, after these changes of the contract.
pub(crate) fn component(world: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = push_contract(&mut resolve, "wit", changes);
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    encode(&module)
}

fn encode(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default()
        .module(module)
        .unwrap()
        .encode()
        .unwrap()
}

/// A policy that has `pages` pages of memory from the start, 64 KiB each.
pub(crate) fn large_policy(pages: u32) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = push_contract(&mut resolve, "wit", &[]);
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    let module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    let mut module = with_memory(&module, pages);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    encode(&module)
}

/// The module with another memory section: one memory, no maximum.
fn with_memory(module: &[u8], pages: u32) -> Vec<u8> {
    const MEMORIES: u8 = 5;
    let (mut made, mut rest) = (module[..8].to_vec(), &module[8..]);
    let mut found = false;
    while let Some((id, behind)) = rest.split_first() {
        let (length, used) = leb128(behind);
        let (section, behind) = behind[used..].split_at(length as usize);
        found |= *id == MEMORIES;
        let memory = [&[1, 0][..], &to_leb128(pages)].concat();
        let section = if *id == MEMORIES { &memory } else { section };
        made.push(*id);
        made.extend(to_leb128(section.len() as u32));
        made.extend(section);
        rest = behind;
    }
    assert!(found, "the module has no memory");
    made
}

fn leb128(bytes: &[u8]) -> (u32, usize) {
    let used = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let add = |value, (at, byte): (usize, &u8)| value | u32::from(byte & 0x7f) << (7 * at);
    (bytes[..used].iter().enumerate().fold(0, add), used)
}

fn to_leb128(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
