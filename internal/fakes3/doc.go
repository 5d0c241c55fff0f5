// Package fakes3 is an S3 server for tests: an [http.Handler] that keeps its
// objects in memory, behaves like the server that a [Profile] describes, fails where
// a [Fault] says so, and counts its requests.
//
//	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode()})
//	srv.CreateBucket("logs")
//	srv.Fault = func(op fakes3.Op) fakes3.Fault {
//		if op.Name == "PutObject" && op.N == 2 {
//			return fakes3.Fault{Drop: true, After: true} // applied, but the reply is lost
//		}
//		return fakes3.Fault{}
//	}
//	client := &http.Client{Transport: fakes3.Transport(srv)} // or httptest.NewServer(srv)
//
// # What it is strict about
//
// Signatures (version 4, in the Authorization header), payload hashes,
// Content-MD5 and checksums are verified. What it does not support it refuses with
// 501 NotImplemented, never with a 200: query parameters, streaming signatures,
// appends by position or write offset, conditions on dates, KMS keys, copies of
// whole objects, presigned addresses.
//
// # What it leaves out
//
// Access control, storage classes, tags, lifecycle, and deleting many objects
// in one request. ETags are always MD5, even with SSE-C, and encryption is
// only in the headers.
//
// # Determinism
//
// It starts no goroutines and waits only where a fault says so. Request ids, upload
// ids and version ids are counted up. A request is executed as a
// whole, under one lock, after its body has been read.
package fakes3
