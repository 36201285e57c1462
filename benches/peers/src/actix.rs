//! Peers in actix-web, each with the same twelve headers.

use std::error::Error;

use actix_web::middleware::DefaultHeaders;
use actix_web_helmet::Helmet;

use crate::cases::actix::{app, expected};
use crate::cases::twelve::{self, TWELVE};
use crate::measure::Group;

pub(crate) fn add_to(group: &mut Group) -> Result<(), Box<dyn Error>> {
    let twelve = || expected().names(twelve::names());
    let default_headers = TWELVE.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add);
    group.peer("DefaultHeaders, 12 added", app!(default_headers), twelve());
    let helmet = Helmet::default().into_middleware()?;
    group.peer("actix-web-helmet 1.0", app!(helmet), twelve());
    Ok(())
}
