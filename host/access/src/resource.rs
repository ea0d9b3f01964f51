//! Anything a decision can be about: it has a kind and an id, and that is all this crate needs to know.

use std::sync::Arc;

use model::{InstanceId, Kind, Object, ObjectId, ServerId, TokenId, UserId};

/// Something that can be seen, used or changed.
pub trait Resource {
    /// Returns what it is, in the words of the public API: `VM`, `pool`, `server`, `plugin`.
    fn kind(&self) -> &str;
    /// Returns its public id.
    fn id(&self) -> &str;
    /// Returns whether it is an object of a pool: access lists grant nothing on anything else.
    fn is_object(&self) -> bool {
        false
    }
}

/// An object of a pool, named by kind and id, where the object itself is not at hand (it is gone, or only its id is known).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: ObjectId,
}

impl Resource for ObjectRef {
    fn is_object(&self) -> bool {
        true
    }

    fn kind(&self) -> &str {
        self.kind.as_str()
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl Resource for Object {
    fn is_object(&self) -> bool {
        true
    }

    fn kind(&self) -> &str {
        Object::kind(self).as_str()
    }

    fn id(&self) -> &str {
        Object::id(self).as_str()
    }
}

macro_rules! resource {
    ($($id:ty => $kind:literal),*) => {$(
        impl Resource for $id {
            fn kind(&self) -> &str {
                $kind
            }

            fn id(&self) -> &str {
                self.as_str()
            }
        }
    )*};
}

resource!(ServerId => "server", UserId => "user", TokenId => "token", InstanceId => "plugin");

impl<T: Resource + ?Sized> Resource for Arc<T> {
    fn is_object(&self) -> bool {
        (**self).is_object()
    }

    fn kind(&self) -> &str {
        (**self).kind()
    }

    fn id(&self) -> &str {
        (**self).id()
    }
}

impl<T: Resource + ?Sized> Resource for &T {
    fn is_object(&self) -> bool {
        (**self).is_object()
    }

    fn kind(&self) -> &str {
        (**self).kind()
    }

    fn id(&self) -> &str {
        (**self).id()
    }
}
