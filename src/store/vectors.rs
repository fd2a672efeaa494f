//! The embeddings kept in the members' database, so that a text is embedded once.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{Database, Encode, QueryBuilder, Row, Type};

use super::dialect::on;
use super::{ROWS, Store, StoreError};
use crate::embed::UnitVector;
use crate::member::fold::Key;

impl Store {
    /// Which of the texts have a stored vector of the model.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn embedded(&self, model: &str, dimension: usize, texts: &[Key]) -> Result<HashSet<Key>, StoreError> {
        on!(self, |pool: D| {
            let mut found = HashSet::new();
            for chunk in texts.chunks(ROWS) {
                let mut query = vectors_of::<D>("SELECT text_key FROM embeddings WHERE model = ", model, chunk);
                // A vector that was cut short is as good as none.
                query.push(" AND length(vector) = ").push_bind(4 * dimension as i64);
                for row in query.build().fetch_all(pool).await? {
                    found.insert(Key(row.try_get::<i64, _>(0)?.cast_unsigned()));
                }
            }
            found
        })
    }

    /// The stored vectors of the texts: f32, little-endian in the database.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn embeddings(&self, model: &str, texts: &[Key]) -> Result<HashMap<Key, Vec<f32>>, StoreError> {
        on!(self, |pool: D| {
            let mut found = HashMap::with_capacity(texts.len());
            for chunk in texts.chunks(ROWS) {
                let mut query = vectors_of::<D>("SELECT text_key, vector FROM embeddings WHERE model = ", model, chunk);
                for row in query.build().fetch_all(pool).await? {
                    let bytes: &[u8] = row.try_get(1)?;
                    let vector =
                        bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
                    found.insert(Key(row.try_get::<i64, _>(0)?.cast_unsigned()), vector.collect());
                }
            }
            found
        })
    }

    /// Keeps vectors for their texts, in place of any that are there. Of several vectors of one text the last holds.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing of this call was written.
    pub async fn keep_embeddings(&self, model: &str, vectors: &[(Key, UnitVector)]) -> Result<(), StoreError> {
        // In one order and each once: two machines that keep the same texts' vectors would wait for one another, and
        // PostgreSQL writes no row twice in a statement.
        let vectors: BTreeMap<i64, &UnitVector> =
            vectors.iter().map(|(key, vector)| (key.0.cast_signed(), vector)).collect();
        let vectors: Vec<_> = vectors.into_iter().collect();
        on!(self, |pool: D| {
            let mut transaction = pool.begin().await?;
            for chunk in vectors.chunks(ROWS) {
                let mut insert = QueryBuilder::<D>::new("INSERT INTO embeddings (model, text_key, vector) ");
                insert.push_values(chunk, |mut row, (key, vector)| {
                    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                    row.push_bind(model).push_bind(*key).push_bind(bytes);
                });
                insert.push(" ON CONFLICT (model, text_key) DO UPDATE SET vector = excluded.vector");
                insert.build().execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        })
    }
}

fn vectors_of<'a, D>(select: &str, model: &'a str, texts: &[Key]) -> QueryBuilder<D>
where
    D: Database<Arguments: Default>,
    &'a str: Encode<'a, D> + Type<D>,
    i64: Encode<'a, D> + Type<D>,
{
    let mut query = QueryBuilder::new(select);
    query.push_bind(model).push(" AND text_key IN (");
    let mut list = query.separated(", ");
    for key in texts {
        list.push_bind(key.0.cast_signed());
    }
    query.push(")");
    query
}
