//! Assets: the portal's own style sheet and icon, embedded, each served under a name that
//! holds the hash of its content, so that a browser may keep it for good.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::error::Failure;

/// How much of the hash a name holds.
const HASH_CHARACTERS: usize = 12;
/// A year, the longest that caches honour; the name changes with the content.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One embedded file.
#[derive(Debug)]
struct Asset {
    name: String,
    media_type: HeaderValue,
    content: &'static str,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../static/portal.css");
    asset("portal", "css", "text/css; charset=utf-8", content)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../static/icon.svg");
    asset("icon", "svg", "image/svg+xml", content)
});

fn asset(stem: &str, ending: &str, media_type: &'static str, content: &'static str) -> Asset {
    let hash = crate::secret::hash(content);
    let short: String = hash.chars().take(HASH_CHARACTERS).collect();
    Asset {
        name: format!("{stem}.{short}.{ending}"),
        media_type: HeaderValue::from_static(media_type),
        content,
    }
}

/// Where the style sheet is.
pub(crate) fn style_path() -> String {
    format!("/static/{}", STYLE.name)
}

/// Where the icon is.
pub(crate) fn icon_path() -> String {
    format!("/static/{}", ICON.name)
}

/// The asset of that name.
pub(super) async fn show(
    axum::extract::Path(name): axum::extract::Path<String>,
) -> Result<Response, Failure> {
    let known = [&*STYLE, &*ICON]
        .into_iter()
        .find(|asset| asset.name == name);
    let asset = known.ok_or(Failure::Absent)?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type.clone()),
        (header::CACHE_CONTROL, KEEP),
    ];
    Ok((headers, asset.content).into_response())
}
