//! Collections: filled from a generation, compared with it, and dropped with it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use fixedbitset::FixedBitSet;
use milvus::v2::error::Result;
use milvus::v2::prelude::{
    ClientV2, CollectionSchema, ConsistencyLevel, CreateCollectionRequest, CreateIndexRequest, DataType,
    DescribeCollectionRequest, DropCollectionRequest, FieldData, FieldSchema, FlushRequest, HasCollectionRequest,
    IndexParam, IndexType, InsertRequest, ListCollectionsRequest, LoadCollectionRequest, MetricType, QueryRequest,
};

use super::expression::UNKNOWN;
use super::{Boxed, Milvus, MilvusError};
use crate::config::Config;
use crate::index::columns::{Attribute, flag};
use crate::index::facet::{Facet, Probe};
use crate::index::graph::{DEFAULT_EF, GraphParameters};
use crate::index::manifest::Manifest;
use crate::index::{Slot, Snapshot};
use crate::member::MOST_PHRASES;
use crate::search::FacetName;

/// The field of the vectors.
pub(super) const VECTOR: &str = "vector";

/// The primary key: a member's slot in the generation.
const SLOT: &str = "slot";

/// Members sent at once: some 8 MB of vectors.
const AT_ONCE: usize = 5_000;

/// As many languages as a member may have.
const LANGUAGES: usize = MOST_PHRASES;

/// How long each step of writing, indexing and loading a collection may take.
const PATIENCE: Duration = Duration::from_secs(6 * 3_600);

/// How many members' vectors are looked for when recall is measured.
const SAMPLED: usize = 100;

/// The k of recall@k.
const AT: usize = 10;

impl Milvus {
    /// Has the collections of a generation, filled and loaded: those that are there as they should be stay.
    pub(crate) async fn hold(&self, snapshot: &Snapshot, config: &Config) -> std::result::Result<(), MilvusError> {
        let lowest_recall = config.rebuild.lowest_recall;
        for facet in FacetName::ALL {
            let name = self.name_of(&snapshot.manifest, facet);
            let rows = Rows::of(snapshot, facet);
            let begun = Instant::now();
            let client = self.client().await.map_err(|error| self.failed(&error))?;
            let held = self.is_held(client, &name, &rows).await.map_err(|error| self.failed(&error))?;
            if !held {
                client.set_rpc_deadline(PATIENCE);
                let filled = self.fill(client, &name, &rows, &config.graph).await;
                client.set_rpc_deadline(super::PATIENCE);
                filled.map_err(|error| self.failed(&error))?;
                tracing::info!(collection = name, rows = rows.slots.len(), took = ?begun.elapsed(), "loaded into Milvus");
            }
            let counted = count(client, &name).await.map_err(|error| self.failed(&error))?;
            let unlike = |problem: String| MilvusError::Unlike { collection: name.clone(), problem };
            if counted != rows.slots.len() as i64 {
                return Err(unlike(format!("has {counted} members; {} were sent", rows.slots.len())));
            }
            if !held {
                let recall = self.recall(&name, &rows).await.map_err(|error| self.failed(&error))?;
                if recall < lowest_recall {
                    return Err(unlike(format!(
                        "recall@{AT} is {recall:.3}; rebuild.lowest_recall asks for {lowest_recall:.3}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Drops every collection of ours but those of some generations.
    pub(crate) async fn keep_only(&self, kept: &[Manifest]) -> std::result::Result<Vec<String>, MilvusError> {
        let kept: HashSet<String> =
            kept.iter().flat_map(|manifest| FacetName::ALL.map(|facet| self.name_of(manifest, facet))).collect();
        let drop: Boxed<'_, Vec<String>> = Box::pin(async {
            let client = self.client().await?;
            let all = client.list_collections(ListCollectionsRequest::builder().build()?).await?;
            let ours = |name: &&String| self.is_ours(name) && !kept.contains(*name);
            let names: Vec<String> = all.collection_names().iter().filter(ours).cloned().collect();
            for name in &names {
                client.drop_collection(DropCollectionRequest::builder().collection_name(name).build()?).await?;
            }
            Ok(names)
        });
        drop.await.map_err(|error| self.failed(&error))
    }

    /// Whether a collection has a name that we give. Another prefix may begin like ours.
    fn is_ours(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.config.prefix).and_then(|rest| rest.strip_prefix('_'));
        let parts: Vec<&str> = rest.map(|rest| rest.split('_').collect()).unwrap_or_default();
        let [number, sum, facet] = parts[..] else { return false };
        let is_number = number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_sum = sum.len() == 8 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_number && is_sum && FacetName::ALL.iter().any(|ours| ours.name() == facet)
    }

    async fn is_held(&self, client: &ClientV2, name: &str, rows: &Rows<'_>) -> Result<bool> {
        if !exists(client, name).await? {
            return Ok(false);
        }
        let described = DescribeCollectionRequest::builder().collection_name(name).build()?;
        if client.describe_collection(described).await?.description().get_description() != rows.manifest.checksum {
            return Ok(false);
        }
        // After a crash of Milvus nothing is loaded. One that was not filled to its end has no index yet, or fewer members.
        if let Err(error) = self.load(client, name).await {
            tracing::debug!(collection = name, %error, "is filled anew");
            return Ok(false);
        }
        Ok(count(client, name).await? == rows.slots.len() as i64)
    }

    async fn fill(&self, client: &ClientV2, name: &str, rows: &Rows<'_>, graph: &GraphParameters) -> Result<()> {
        if exists(client, name).await? {
            client.drop_collection(DropCollectionRequest::builder().collection_name(name).build()?).await?;
        }
        let Manifest { checksum, .. } = rows.manifest;
        let schema = schema(rows.dimension);
        let made = CreateCollectionRequest::builder()
            .collection_name(name)
            .description(checksum)
            .schema(schema.description(checksum))
            .num_shards(self.config.shards as i32);
        client.create_collection(made.build()?).await?;
        for slots in rows.slots.chunks(AT_ONCE) {
            let insert = InsertRequest::builder().collection_name(name).columns(rows.columns(slots));
            client.insert(insert.build()?).await?;
        }
        let flush = FlushRequest::builder().collection_names([name]).wait_flushed_ms(PATIENCE.as_millis() as i64);
        client.flush(flush.build()?).await?;
        let index =
            IndexParam::new().field_name(VECTOR).index_type(IndexType::Hnsw).metric_type(MetricType::Ip).extra_params(
                [
                    ("M".to_owned(), graph.m.to_string()),
                    ("efConstruction".to_owned(), graph.ef_construction.to_string()),
                ]
                .into(),
            );
        let build = CreateIndexRequest::builder()
            .collection_name(name)
            .index_param(index)
            .timeout_ms(PATIENCE.as_millis() as i64);
        client.create_index(build.build()?).await?;
        self.load(client, name).await
    }

    /// Has it in memory, once that is done.
    async fn load(&self, client: &ClientV2, name: &str) -> Result<()> {
        let load = LoadCollectionRequest::builder()
            .collection_name(name)
            .replica_number(self.config.replicas as i32)
            .timeout_ms(PATIENCE.as_millis() as i64);
        client.set_rpc_deadline(PATIENCE);
        let loaded = client.load_collection(load.build()?).await;
        client.set_rpc_deadline(super::PATIENCE);
        loaded.map(drop)
    }

    /// How much of what an exact scan finds it finds too, for the vectors of members here and there.
    async fn recall(&self, name: &str, rows: &Rows<'_>) -> Result<f64> {
        let step = (rows.slots.len() / SAMPLED).max(1);
        let mut everyone = FixedBitSet::with_capacity(rows.snapshot.columns.len());
        everyone.insert_range(..);
        let (mut found, mut sought) = (0, 0);
        for slot in rows.slots.iter().step_by(step) {
            let Some(vector) = rows.vector(*slot) else { continue };
            let probe = Probe { query: vector, k: AT, allowed: &everyone, turn: 0 };
            let exact = rows.facet.exact(&rows.snapshot.vectors, probe);
            let near = self.search(name, vector, "", AT, DEFAULT_EF).await?;
            // Of equally near ones either may be found.
            let least = exact.last().map_or(f32::MIN, |near| near.cosine) - 1e-4;
            let cosine =
                |slot: &Slot| rows.vector(*slot).map_or(f32::MIN, |other| crate::index::vectors::dot(vector, other));
            found += near.iter().filter(|slot| cosine(slot) >= least).count();
            sought += exact.len();
        }
        Ok(if sought == 0 { 1.0 } else { found as f64 / sought as f64 })
    }
}

async fn exists(client: &ClientV2, name: &str) -> Result<bool> {
    Ok(client.has_collection(HasCollectionRequest::builder().collection_name(name).build()?).await?.exists())
}

async fn count(client: &ClientV2, name: &str) -> Result<i64> {
    let query = QueryRequest::builder()
        .collection_name(name)
        .output_fields(["count(*)"])
        .consistency_level(ConsistencyLevel::Strong);
    let answer = client.query(query.build()?).await?;
    match answer.results().rows()?.next() {
        Some(row) => row.get_i64("count(*)"),
        None => Ok(0),
    }
}

fn schema(dimension: usize) -> CollectionSchema {
    let field = |name: &str, kind: DataType| FieldSchema::new().name(name).data_type(kind);
    let fields = [
        field(SLOT, DataType::Int64).primary_key(true),
        field(VECTOR, DataType::FloatVector).dimension(dimension as u32),
        field("mentor", DataType::Bool),
        field("mentee", DataType::Bool),
        field("adult", DataType::Bool),
        field("free", DataType::Bool),
        field("country", DataType::Int64),
        field("region", DataType::Int64),
        field("city", DataType::Int64),
        field("industry", DataType::Int64),
        field("profession", DataType::Int64),
        field("home_country", DataType::Int64),
        field("languages", DataType::Array).element_type(DataType::Int64).max_capacity(LANGUAGES as u32),
        field("latitude", DataType::Float),
        field("longitude", DataType::Float),
        field("utc_offset", DataType::Int32),
        field("capacity", DataType::Int64),
    ];
    fields.into_iter().fold(CollectionSchema::new(), CollectionSchema::add_field)
}

/// The members of a generation who have a vector in a facet.
struct Rows<'a> {
    snapshot: &'a Snapshot,
    manifest: &'a Manifest,
    facet: &'a Facet,
    dimension: usize,
    slots: Vec<Slot>,
}

impl<'a> Rows<'a> {
    fn of(snapshot: &'a Snapshot, facet: FacetName) -> Rows<'a> {
        let facet = facet.of(snapshot);
        let slots = (0..snapshot.columns.len()).map(|slot| Slot(slot as u32));
        let slots = slots.filter(|slot| facet.row(*slot).is_some()).collect();
        Rows { snapshot, manifest: &snapshot.manifest, facet, dimension: snapshot.vectors.dimension(), slots }
    }

    fn vector(&self, slot: Slot) -> Option<&'a [f32]> {
        self.snapshot.vectors.row(self.facet.row(slot)?)
    }

    /// Some members as they are sent.
    fn columns(&self, slots: &[Slot]) -> Vec<FieldData> {
        let columns = &self.snapshot.columns;
        let has = |name: &str, all: u8, none: u8| {
            let is = |slot: &Slot| columns.flags(*slot) & (all | none) == all;
            FieldData::boolean(name, slots.iter().map(is).collect())
        };
        let key = |name: &str, key: &dyn Fn(Slot) -> u64| {
            FieldData::int64(name, slots.iter().map(|slot| key(*slot).cast_signed()).collect())
        };
        let degrees = |name: &str, of: fn((f32, f32)) -> f32| {
            let degrees = |slot: &Slot| columns.coordinates(*slot).map_or(UNKNOWN as f32, of);
            FieldData::float(name, slots.iter().map(degrees).collect())
        };
        let languages = |slot: &Slot| {
            columns.keys(Attribute::Language, *slot).iter().take(LANGUAGES).map(|key| key.0.cast_signed()).collect()
        };
        let offset = |slot: &Slot| columns.utc_offset(*slot).map_or(UNKNOWN, i32::from);
        let capacity = |slot: &Slot| columns.capacity(*slot).map_or(i64::from(UNKNOWN), i64::from);
        let vector = |slot: &Slot| self.vector(*slot).map_or_else(|| vec![0.0; self.dimension], <[f32]>::to_vec);
        vec![
            FieldData::int64(SLOT, slots.iter().map(|slot| i64::from(slot.0)).collect()),
            FieldData::float_vector(VECTOR, slots.iter().map(vector).collect()),
            has("mentor", flag::MENTOR, 0),
            has("mentee", flag::MENTEE, 0),
            has("adult", flag::ADULT, 0),
            has("free", flag::ADULT, flag::PAUSED),
            key("country", &|slot| columns.location.get(slot).country.0),
            key("region", &|slot| columns.location.get(slot).region.0),
            key("city", &|slot| columns.location.get(slot).city.0),
            key("industry", &|slot| columns.industry.get(slot).map_or(0, |(key, _)| key.0)),
            key("profession", &|slot| columns.profession.get(slot).map_or(0, |(key, _)| key.0)),
            key("home_country", &|slot| columns.hometown.get(slot).country.0),
            FieldData::array_int64("languages", slots.iter().map(languages).collect()),
            degrees("latitude", |(latitude, _)| latitude),
            degrees("longitude", |(_, longitude)| longitude),
            FieldData::int32("utc_offset", slots.iter().map(offset).collect()),
            FieldData::int64("capacity", slots.iter().map(capacity).collect()),
        ]
    }
}
