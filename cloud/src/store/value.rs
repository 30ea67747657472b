//! What crosses the border between the program and an engine: integers, texts and nothing.

use bytes::BytesMut;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{StoreError, StoreResult};

/// A value of a column or a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_millisecond())
    }
}
impl From<Date> for Value {
    fn from(value: Date) -> Self {
        Self::Text(value.to_string())
    }
}
impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Self::Text(value.to_string())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_id {
    ($($id:ident),+) => {$(
        impl From<common::id::$id> for Value {
            fn from(id: common::id::$id) -> Self {
                Self::Int(id.0)
            }
        }
    )+};
}
from_id!(
    AccountId,
    SiteId,
    GatewayId,
    DeviceId,
    MeterId,
    PersonId,
    PlanId,
    InvoiceId,
    UtilityBillId,
    AdjustmentId,
    NoticeId,
    Epoch,
    CommandId
);

/// A row, its columns in the order of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    fn at(&self, column: usize) -> StoreResult<&Value> {
        self.0
            .get(column)
            .ok_or_else(|| wrong(column, "a column", &Value::Null))
    }

    /// The integer in a column.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn int(&self, column: usize) -> StoreResult<i64> {
        match self.at(column)? {
            Value::Int(value) => Ok(*value),
            other => Err(wrong(column, "an integer", other)),
        }
    }

    /// The integer in a column as a narrower type.
    ///
    /// # Errors
    /// When there is another thing, or the number does not fit.
    pub fn number<T: TryFrom<i64>>(&self, column: usize) -> StoreResult<T> {
        let value = self.int(column)?;
        let kind = std::any::type_name::<T>();
        T::try_from(value).map_err(|_| wrong(column, kind, &Value::Int(value)))
    }

    /// The text in a column.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn text(&self, column: usize) -> StoreResult<&str> {
        match self.at(column)? {
            Value::Text(value) => Ok(value),
            other => Err(wrong(column, "a text", other)),
        }
    }

    /// The integer in a column, if it is not NULL.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn optional_int(&self, column: usize) -> StoreResult<Option<i64>> {
        if *self.at(column)? == Value::Null {
            Ok(None)
        } else {
            self.int(column).map(Some)
        }
    }

    /// The text in a column, if it is not NULL.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn optional_text(&self, column: usize) -> StoreResult<Option<&str>> {
        if *self.at(column)? == Value::Null {
            Ok(None)
        } else {
            self.text(column).map(Some)
        }
    }

    /// What `read` makes of a column, if it is not NULL.
    ///
    /// # Errors
    /// When it cannot.
    pub fn optional<T>(
        &self,
        column: usize,
        read: impl Fn(&Self, usize) -> StoreResult<T>,
    ) -> StoreResult<Option<T>> {
        if *self.at(column)? == Value::Null {
            Ok(None)
        } else {
            read(self, column).map(Some)
        }
    }

    /// Whether a column says yes.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn flag(&self, column: usize) -> StoreResult<bool> {
        Ok(self.int(column)? != 0)
    }

    /// The instant in a column of milliseconds.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn instant(&self, column: usize) -> StoreResult<Timestamp> {
        let milliseconds = self.int(column)?;
        Timestamp::from_millisecond(milliseconds)
            .map_err(|_| wrong(column, "an instant", &Value::Int(milliseconds)))
    }

    /// The instant in a column of milliseconds, if it is not NULL.
    ///
    /// # Errors
    /// When there is another thing.
    pub fn optional_instant(&self, column: usize) -> StoreResult<Option<Timestamp>> {
        if *self.at(column)? == Value::Null {
            Ok(None)
        } else {
            self.instant(column).map(Some)
        }
    }

    /// What the text of a column reads as: a date, a decimal, a unit, a currency.
    ///
    /// # Errors
    /// When it does not.
    pub fn parsed<T: std::str::FromStr>(&self, column: usize) -> StoreResult<T> {
        let text = self.text(column)?;
        let kind = std::any::type_name::<T>();
        text.parse()
            .map_err(|_| wrong(column, kind, &Value::from(text)))
    }

    /// What the JSON in a column holds.
    ///
    /// # Errors
    /// When it holds another thing.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> StoreResult<T> {
        serde_json::from_str(self.text(column)?)
            .map_err(|error| StoreError::Content(format!("column {column}: {error}")))
    }

    /// What a code in a column stands for.
    ///
    /// # Errors
    /// When it stands for nothing.
    pub fn coded<T>(&self, column: usize, from: impl Fn(&str) -> Option<T>) -> StoreResult<T> {
        let text = self.text(column)?;
        from(text).ok_or_else(|| wrong(column, "a known word", &Value::from(text)))
    }
}

fn wrong(column: usize, expected: &str, found: &Value) -> StoreError {
    StoreError::Content(format!(
        "column {column} holds {found:?} instead of {expected}"
    ))
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl rusqlite::types::FromSql for Value {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        use rusqlite::types::{FromSqlError, ValueRef};
        match value {
            ValueRef::Null => Ok(Self::Null),
            ValueRef::Integer(value) => Ok(Self::Int(value)),
            ValueRef::Text(_) => value.as_str().map(Self::from),
            ValueRef::Real(_) | ValueRef::Blob(_) => Err(FromSqlError::InvalidType),
        }
    }
}

/// PostgreSQL tells the type it expects; an integer goes in as any of its integer types.
impl ToSql for Value {
    fn to_sql(
        &self,
        expected: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(value) => value.to_sql(expected, out),
            Self::Int(value) if *expected == Type::INT4 => {
                i32::try_from(*value)?.to_sql(expected, out)
            }
            Self::Int(value) => value.to_sql(expected, out),
        }
    }

    fn accepts(expected: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT].contains(expected)
    }

    to_sql_checked!();
}

impl<'a> tokio_postgres::types::FromSql<'a> for Value {
    fn from_sql(
        found: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *found {
            Type::INT8 => i64::from_sql(found, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(found, raw).map(|value| Self::Int(i64::from(value))),
            _ => String::from_sql(found, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(found: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT].contains(found)
    }
}
