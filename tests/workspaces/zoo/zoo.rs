pub struct Zoo { animals: Vec<String> }

impl Zoo {
    /// Finds one.
    #[inline]
    pub async fn find<'a>(&'a self, name: &str, mut limit: usize) -> Result<&'a String, Error> {
        for animal in self.animals.iter() {
            if animal == name && limit > 0 || check(limit) {
                return Ok(animal);
            }
            limit -= 1;
        }
        match limit {
            0 => panic!("none"),
            _ => load(name).await?,
        };
        Err(Error::new(name))
    }
}

fn check(limit: usize) -> bool { limit > 9 }
