//! Paths below a tree.

/// A path relative to a tree, proved to stay below it by its form alone.
///
/// Components are joined by single `/`; none is empty, `.` or `..`; at most 1,024 bytes in all and 255 in
/// a component; no NUL. This is the only type that the trees take, and parsing the only way to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreePath<'a>(&'a str);

/// The longest path in bytes. Linux allows 4,096; no storage format needs more than about 600.
const MAX_PATH: usize = 1024;
/// The longest component in bytes that Linux file systems take.
const MAX_COMPONENT: usize = 255;

/// Why a text is not a [`TreePath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is empty.
    #[error("the path is empty")]
    Empty,
    /// The path starts with `/`.
    #[error("the path is absolute; it must be relative to the storage")]
    Absolute,
    /// The path has two slashes in a row, or one at the end.
    #[error("the path has an empty component (`//`, or `/` at its end)")]
    EmptyComponent,
    /// A component is `.` or `..`.
    #[error("the path has a component `.` or `..`")]
    Dots,
    /// The path holds a NUL byte.
    #[error("the path holds a NUL character")]
    Nul,
    /// The path has more than `MAX_PATH` bytes.
    #[error("the path is longer than {MAX_PATH} bytes")]
    TooLong,
    /// A component has more than `MAX_COMPONENT` bytes.
    #[error("a component of the path is longer than {MAX_COMPONENT} bytes")]
    ComponentTooLong,
}

impl<'a> TreePath<'a> {
    /// Checks the form of a path.
    pub fn parse(text: &'a str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        if text.as_bytes().contains(&0) {
            return Err(PathError::Nul);
        }
        text.as_bytes()
            .split(|byte| *byte == b'/')
            .try_for_each(check_component)?;
        Ok(Self(text))
    }

    /// A name of this program's own: one component, known to be well formed.
    pub(super) const fn literal(text: &'static str) -> TreePath<'static> {
        TreePath(text)
    }

    /// The text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The parent directory, if it is not the root of the tree, and the last component.
    pub fn split(self) -> (Option<Self>, &'a str) {
        match self.0.rsplit_once('/') {
            Some((parent, name)) => (Some(Self(parent)), name),
            None => (None, self.0),
        }
    }

    /// The path without its first `length` bytes and the `/` after them; the whole path for 0. `length` must end a
    /// component, and not the last one.
    pub(super) fn suffix(self, length: usize) -> Self {
        if length == 0 {
            self
        } else {
            Self(&self.0[length + 1..])
        }
    }

    /// The first `length` bytes, which must end a component.
    pub(super) fn prefix(self, length: usize) -> Self {
        Self(&self.0[..length])
    }

    /// The parent directory, cut to its first `depth` components; `None` if the parent is the root.
    pub(super) fn ancestor(self, depth: usize) -> Option<Self> {
        let (parent, _) = self.split();
        let parent = parent?;
        let end = parent.0.match_indices('/').nth(depth - 1);
        Some(end.map_or(parent, |(end, _)| parent.prefix(end)))
    }

    /// The components from the root down.
    pub fn components(self) -> impl DoubleEndedIterator<Item = &'a str> {
        self.0.split('/')
    }
}

fn check_component(component: &[u8]) -> Result<(), PathError> {
    match component {
        b"" => Err(PathError::EmptyComponent),
        b"." | b".." => Err(PathError::Dots),
        _ if component.len() > MAX_COMPONENT => Err(PathError::ComponentTooLong),
        _ => Ok(()),
    }
}

impl std::fmt::Display for TreePath<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{PathError, TreePath};

    #[test]
    fn only_relative_paths_without_dots_are_paths() {
        for good in [
            "a",
            "a/b",
            "a/b.c/..d",
            "...",
            "a b",
            "name:tag",
            &"x".repeat(255),
        ] {
            assert!(TreePath::parse(good).is_ok(), "{good}");
        }
        let long = "x/".repeat(600) + "x";
        for (bad, error) in [
            ("", PathError::Empty),
            ("/", PathError::Absolute),
            ("/a", PathError::Absolute),
            ("a/", PathError::EmptyComponent),
            ("a//b", PathError::EmptyComponent),
            (".", PathError::Dots),
            ("..", PathError::Dots),
            ("a/../b", PathError::Dots),
            ("a/.", PathError::Dots),
            ("./a", PathError::Dots),
            ("a\0b", PathError::Nul),
            (&"x".repeat(256), PathError::ComponentTooLong),
            (&long, PathError::TooLong),
        ] {
            assert_eq!(TreePath::parse(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn a_path_has_at_most_1024_bytes() {
        let longest = "x/".repeat(512);
        let path = |length| TreePath::parse(&longest[..length]).map(TreePath::as_str);
        assert_eq!(path(1_023), Ok(&longest[..1_023]));
        // One more byte, and a slash at the end is not the reason.
        let long = format!("{}yy", &longest[..1_022]);
        assert_eq!(TreePath::parse(&long).map(TreePath::as_str), Ok(&*long));
        let longer = format!("{long}y");
        assert_eq!(TreePath::parse(&longer), Err(PathError::TooLong));
    }

    #[test]
    fn a_path_is_taken_apart() {
        let path = TreePath::parse("one/two/three").unwrap();
        assert_eq!(path.to_string(), "one/two/three");
        assert_eq!(
            path.components().collect::<Vec<_>>(),
            ["one", "two", "three"]
        );
        let (parent, name) = path.split();
        assert_eq!(
            (parent.map(TreePath::as_str), name),
            (Some("one/two"), "three")
        );
        let (parent, name) = TreePath::literal("one").split();
        assert_eq!((parent, name), (None, "one"));
        assert_eq!(path.suffix(0), path);
        assert_eq!(path.suffix(3).as_str(), "two/three");
        assert_eq!(path.suffix(7).as_str(), "three");
        assert_eq!(path.prefix(7).as_str(), "one/two");
        let ancestor = |depth| path.ancestor(depth).map(TreePath::as_str);
        assert_eq!(
            (ancestor(1), ancestor(2), ancestor(9)),
            (Some("one"), Some("one/two"), Some("one/two"))
        );
        assert_eq!(TreePath::literal("one").ancestor(3), None);
    }
}
