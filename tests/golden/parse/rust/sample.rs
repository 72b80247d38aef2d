//! A store.
use crate::model::{self, Item as Thing, price::*};
use std::collections::HashMap;
pub use super::Error;
mod keys;

pub const LIMIT: usize = 10;
static mut COUNT: u32 = 0;
type Result<T> = std::result::Result<T, Error>;

/// Keeps things.
///
/// In memory.
#[derive(Debug, Clone)]
pub struct Store<K> {
    pub name: String,
    items: HashMap<K, Thing>,
}

pub enum Level { Low, High(u8) }

pub trait Keep {
    /// How many.
    fn size(&self) -> usize;
    fn is_empty(&self) -> bool { self.size() == 0 }
}

impl<K> Keep for Store<K> {
    fn size(&self) -> usize { self.items.len() }
}

impl<K> Store<K> {
    /// Makes one.
    #[must_use]
    pub fn new(
        name: &str,
        limit: usize, // at most
    ) -> Result<Self> {
        let items = HashMap::new();
        log!("made {}", name);
        keys::check::<K>(name)?;
        Ok(Store { name: name.into(), items })
    }
}

macro_rules! log { ($($x:tt)*) => {}; }

mod inner { pub async unsafe fn deep() {} }
