package s3store

// NewTransport returns the transport of the clients that NewClient makes.
var NewTransport = newTransport
