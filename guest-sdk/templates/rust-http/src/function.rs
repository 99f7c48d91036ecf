//! Answers HTTP requests. The crate `cloudlet` comes with the build.
use cloudlet::{Request, Response};

fn handle(request: Request) -> Response {
    match (request.method.as_str(), request.pathname()) {
        ("GET", "/hello") => Response::new(format!("Hello, {}!\n", request.query().unwrap_or("you"))),
        ("POST", "/longest") => match request.text() {
            Ok(text) => Response::new(longest(text)).header("content-type", "text/plain;charset=UTF-8"),
            Err(_) => Response::new("expected UTF-8\n").status(400),
        },
        _ => Response::new("GET /hello?NAME, or POST text to /longest\n").status(404),
    }
}

/// The longest word, the first of several.
fn longest(text: &str) -> &str {
    text.split_whitespace().rev().max_by_key(|word| word.chars().count()).unwrap_or("")
}

cloudlet::serve!(handle);
