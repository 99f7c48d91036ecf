//! The crate `cloudlet` of a function that serves HTTP: a function from [`Request`] to [`Response`], which [`serve!`] exports.
#![allow(dead_code, unused_imports, unused_macros)]
mod memory;
#[macro_use]
mod value;
#[macro_use]
mod lent;
#[macro_use]
mod compound;
use lent::{Kept, Lent, Slots};
use memory::{Flat, most_of, variant_layout};
use value::{Laid, Value};

/// A request to the function, with its whole body.
#[derive(Clone, Debug)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Path and query, as they came.
    pub path: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The path without its query.
    pub fn pathname(&self) -> &str {
        self.path.split_once('?').map_or(&self.path, |(path, _)| path)
    }

    /// What follows the question mark, still encoded.
    pub fn query(&self) -> Option<&str> {
        self.path.split_once('?').map(|(_, query)| query)
    }

    /// The first value of a header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(each, _)| each.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body as UTF-8.
    pub fn text(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(&self.body)
    }
}

/// The function's answer: status 200 unless told otherwise.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Response {
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Response { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Exports a function from `Request` to `Response` as `wasi:http/incoming-handler`.
#[macro_export]
macro_rules! serve {
    ($function:expr) => {
        // Names here would hide those of the function given.
        const _: () = {
            #[unsafe(export_name = "cabi_realloc")]
            unsafe extern "C" fn __cloudlet_reallocate(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
                unsafe { $crate::__reallocate(old, old_size, align, size) }
            }
            #[unsafe(export_name = "wasi:http/incoming-handler@0.2.12#handle")]
            unsafe extern "C" fn __cloudlet_handle(request: u32, out: u32) {
                unsafe { $crate::__serve(request, out, $function) }
            }
        };
    };
}

#[doc(hidden)]
pub use memory::reallocate as __reallocate;

/// Most bytes that `blocking-write-and-flush` takes at once.
const PIECE_BYTES: usize = 4096;
/// Bytes asked of a body at once.
const READ_BYTES: u64 = 65536;

#[link(wasm_import_module = "wasi:http/types@0.2.12")]
unsafe extern "C" {
    #[link_name = "[method]incoming-request.method"]
    fn request_method(request: u32, area: *mut u8);
    #[link_name = "[method]incoming-request.path-with-query"]
    fn request_path(request: u32, area: *mut u8);
    #[link_name = "[method]incoming-request.headers"]
    fn request_headers(request: u32) -> u32;
    #[link_name = "[method]incoming-request.consume"]
    fn request_consume(request: u32, area: *mut u8);
    #[link_name = "[method]incoming-body.stream"]
    fn incoming_stream(body: u32, area: *mut u8);
    #[link_name = "[method]fields.entries"]
    fn fields_entries(fields: u32, area: *mut u8);
    #[link_name = "[constructor]fields"]
    fn fields_new() -> u32;
    #[link_name = "[method]fields.append"]
    fn fields_append(fields: u32, name: *const u8, name_size: usize, value: *const u8, value_size: usize, area: *mut u8);
    #[link_name = "[constructor]outgoing-response"]
    fn response_new(fields: u32) -> u32;
    #[link_name = "[method]outgoing-response.set-status-code"]
    fn response_status(response: u32, status: u32) -> u32;
    #[link_name = "[method]outgoing-response.body"]
    fn response_body(response: u32, area: *mut u8);
    #[link_name = "[method]outgoing-body.write"]
    fn outgoing_stream(body: u32, area: *mut u8);
    #[link_name = "[static]outgoing-body.finish"]
    fn outgoing_finish(body: u32, has_trailers: u32, trailers: u32, area: *mut u8);
    /// The answer is a result: 0 and the response, and then what an error would have.
    #[link_name = "[static]response-outparam.set"]
    fn outparam_set(out: u32, tag: u32, response: u32, a: u32, b: u64, c: u32, d: u32, e: u32, f: u32);
    #[link_name = "[resource-drop]incoming-request"]
    fn drop_request(request: u32);
    #[link_name = "[resource-drop]incoming-body"]
    fn drop_body(body: u32);
    #[link_name = "[resource-drop]outgoing-body"]
    fn drop_outgoing(body: u32);
    #[link_name = "[resource-drop]fields"]
    fn drop_fields(fields: u32);
}

#[link(wasm_import_module = "wasi:io/streams@0.2.12")]
unsafe extern "C" {
    #[link_name = "[method]input-stream.blocking-read"]
    fn stream_read(stream: u32, most: u64, area: *mut u8);
    #[link_name = "[method]output-stream.blocking-write-and-flush"]
    fn stream_write(stream: u32, bytes: *const u8, size: usize, area: *mut u8);
    #[link_name = "[resource-drop]input-stream"]
    fn drop_input(stream: u32);
    #[link_name = "[resource-drop]output-stream"]
    fn drop_output(stream: u32);
}

enum Method { Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch, Other(String) }
variant!([] Method: u8 {
    0 => Get, 1 => Head, 2 => Post, 3 => Put, 4 => Delete, 5 => Connect, 6 => Options, 7 => Trace, 8 => Patch, 9 => Other(value: String)
});

enum StreamError { Failed(u32), Closed }
variant!([] StreamError: u8 { 0 => Failed(value: u32), 1 => Closed });

/// Memory for an answer, larger than any of those here.
#[repr(align(8))]
struct Area([u8; 64]);

/// What a function leaves in memory.
unsafe fn answer<T: Value>(ask: impl FnOnce(*mut u8)) -> T {
    let mut area = Area([0; 64]);
    let at = area.0.as_mut_ptr();
    ask(at);
    unsafe { T::load(at) }
}

#[doc(hidden)]
pub unsafe fn __serve(request: u32, out: u32, function: impl FnOnce(Request) -> Response) {
    unsafe {
        let response = function(receive(request));
        send(response, out);
    }
}

unsafe fn receive(request: u32) -> Request {
    unsafe {
        let method = match answer(|at| request_method(request, at)) {
            Method::Get => "GET".into(),
            Method::Head => "HEAD".into(),
            Method::Post => "POST".into(),
            Method::Put => "PUT".into(),
            Method::Delete => "DELETE".into(),
            Method::Connect => "CONNECT".into(),
            Method::Options => "OPTIONS".into(),
            Method::Trace => "TRACE".into(),
            Method::Patch => "PATCH".into(),
            Method::Other(name) => name,
        };
        let path = answer::<Option<String>>(|at| request_path(request, at)).unwrap_or_else(|| "/".into());
        let fields = request_headers(request);
        let headers = answer(|at| fields_entries(fields, at));
        drop_fields(fields);
        let incoming = answer::<Result<u32, ()>>(|at| request_consume(request, at)).expect("a body that is read once");
        let body = read(incoming);
        drop_body(incoming);
        drop_request(request);
        Request { method, path, headers, body }
    }
}

unsafe fn read(incoming: u32) -> Vec<u8> {
    let mut body = Vec::new();
    unsafe {
        let stream = answer::<Result<u32, ()>>(|at| incoming_stream(incoming, at)).expect("a stream that is taken once");
        loop {
            match answer::<Result<Vec<u8>, StreamError>>(|at| stream_read(stream, READ_BYTES, at)) {
                Ok(piece) => body.extend(piece),
                Err(StreamError::Closed) => break,
                Err(StreamError::Failed(_)) => panic!("the caller left before its request had ended"),
            }
        }
        drop_input(stream);
    }
    body
}

unsafe fn send(response: Response, out: u32) {
    unsafe {
        let fields = fields_new();
        for (name, value) in &response.headers {
            let done = answer::<Result<(), u8>>(|at| {
                fields_append(fields, name.as_ptr(), name.len(), value.as_ptr(), value.len(), at)
            });
            assert!(done.is_ok(), "{name:?} is no name of a header for a response, or its value is none");
        }
        let outgoing = response_new(fields);
        assert!(response_status(outgoing, response.status as u32) == 0, "{} is no status of a response", response.status);
        let body = answer::<Result<u32, ()>>(|at| response_body(outgoing, at)).expect("a body that is taken once");
        outparam_set(out, 0, outgoing, 0, 0, 0, 0, 0, 0);
        let stream = answer::<Result<u32, ()>>(|at| outgoing_stream(body, at)).expect("a stream that is taken once");
        // Who asked may leave before the end: then nobody misses the rest.
        let sent = response.body.chunks(PIECE_BYTES).all(|piece| {
            answer::<Result<(), StreamError>>(|at| stream_write(stream, piece.as_ptr(), piece.len(), at)).is_ok()
        });
        drop_output(stream);
        if !sent {
            return drop_outgoing(body);
        }
        let ended = answer::<Result<(), u8>>(|at| outgoing_finish(body, 0, 0, at));
        if ended.is_err() {
            eprintln!("the response is not as long as its header content-length says");
        }
    }
}
