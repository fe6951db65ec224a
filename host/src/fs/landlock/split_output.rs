//! One output in two trees: one for links, one for written files.

use std::sync::Arc;

use super::super::output::{EntryKind, OutputRoot, OutputTree};
use super::super::{
    LinkMode, Method, Occupied, OutputSink, Placed, SourceFile, SourceTree, TreePath, WriteError,
};
use super::absent::AbsentDir;

/// One worker's view of an output that is built in two trees. A name that is taken in either is taken.
pub struct SplitOutput {
    mode: LinkMode,
    /// Takes hard links only.
    links: OutputTree,
    /// Takes all that is written: small files, copies, reflinks.
    files: OutputTree,
    absent_in_links: AbsentDir,
    absent_in_files: AbsentDir,
}

impl SplitOutput {
    /// Takes directories that are empty, or filled by other values like this one.
    pub fn new(links: Arc<OutputRoot>, files: Arc<OutputRoot>, mode: LinkMode) -> Self {
        Self {
            mode,
            links: OutputTree::new(links, LinkMode::Hard),
            // Finds out by itself that it takes no hard links.
            files: OutputTree::new(files, mode),
            absent_in_links: AbsentDir::default(),
            absent_in_files: AbsentDir::default(),
        }
    }

    fn kind_in_links(&mut self, path: TreePath<'_>) -> Result<Option<EntryKind>, WriteError> {
        Ok(self.absent_in_links.entry_kind(&self.links, path)?)
    }

    fn kind_in_files(&mut self, path: TreePath<'_>) -> Result<Option<EntryKind>, WriteError> {
        Ok(self.absent_in_files.entry_kind(&self.files, path)?)
    }
}

impl OutputSink for SplitOutput {
    fn mode(&self) -> LinkMode {
        self.mode
    }

    fn place(
        &mut self,
        source: &SourceTree,
        from: SourceFile<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        if self.mode.first() == Method::Hard {
            if self.kind_in_files(to)?.is_some() {
                return Err(Occupied.into());
            }
            match self.links.place(source, from, to) {
                Err(WriteError::LinkRefused(_)) if self.mode.next(Method::Hard).is_some() => {}
                placed => return placed,
            }
        }
        if self.kind_in_links(to)?.is_some() {
            return Err(Occupied.into());
        }
        self.files.place(source, from, to)
    }

    fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        if self.kind_in_links(to)?.is_some() {
            return Err(Occupied.into());
        }
        self.files.write_new(to, bytes)
    }

    fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        match self.kind_in_links(path)? {
            Some(EntryKind::Directory) => Ok(()),
            Some(EntryKind::Other) => Err(Occupied.into()),
            None => self.files.make_directory(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::SplitOutput;
    use crate::fs::{
        LinkMode, Method, OutputRoot, OutputSink, Placed, SourceFile, SourceTree, TreePath,
        WriteError, merge, open_root,
    };

    /// Two sinks of one output, as two workers have them.
    #[test]
    fn a_name_in_either_tree_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["source", "links", "files"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("source/blob"), "bytes").unwrap();
        let source = SourceTree::open(&path("source")).unwrap();
        let root = |name: &str| Arc::new(OutputRoot::new(open_root(&path(name)).unwrap()));
        let (links, files) = (root("links"), root("files"));
        let sink = || SplitOutput::new(Arc::clone(&links), Arc::clone(&files), LinkMode::Hard);
        let (mut one, mut other) = (sink(), sink());

        let at = |text: &'static str| TreePath::parse(text).unwrap();
        let blob = SourceFile {
            path: at("blob"),
            key: None,
        };
        let is_taken =
            |answer: Result<_, WriteError>| matches!(answer, Err(WriteError::Occupied(_)));
        let linked = Placed::New(Method::Hard);
        assert_eq!(one.place(&source, blob, at("a/b/linked")).unwrap(), linked);
        assert!(one.write_new(at("a/c/written"), b"text").unwrap());
        // Below a directory that one tree does not have, until another worker makes it there.
        assert_eq!(one.place(&source, blob, at("a/b/again")).unwrap(), linked);
        assert!(other.write_new(at("a/b/written"), b"text").unwrap());
        assert!(is_taken(
            one.place(&source, blob, at("a/b/written")).map(drop)
        ));
        for sink in [&mut one, &mut other] {
            assert!(is_taken(
                sink.write_new(at("a/b/linked"), b"text").map(drop)
            ));
            assert!(is_taken(sink.write_new(at("a/b"), b"text").map(drop)));
            assert!(is_taken(sink.place(&source, blob, at("a/c")).map(drop)));
            assert!(is_taken(sink.make_directory(at("a/b/linked"))));
            sink.make_directory(at("a/b")).unwrap();
            assert!(!sink.write_new(at("a/c/written"), b"text").unwrap());
        }

        merge(open_root(&path("files")).unwrap(), links.dir()).unwrap();
        for name in ["a/b/linked", "a/b/again", "a/b/written", "a/c/written"] {
            assert!(path("links").join(name).try_exists().unwrap(), "{name}");
        }
    }
}
