package fakes3

import (
	"encoding/xml"
	"slices"
)

// setting returns what the server does with the setting that q is about.
func (s *Server) setting(q *request) Setting {
	p := s.opts.Profile
	switch q.operation.needs {
	case "lifecycle":
		return p.Lifecycle
	case "encryption":
		return p.Encryption
	}
	return p.Logging
}

func (s *Server) getSetting(q *request) (reply, error) {
	name := q.operation.needs
	switch s.setting(q) {
	case SettingRefused:
		return reply{}, errNotImplemented
	case SettingUnseen:
		return documentReply(listObjectsDocument{Name: q.bucket.name, MaxKeys: maxPage}), nil
	}
	if document, ok := q.bucket.settings[name]; ok {
		return reply{header: map[string]string{"Content-Type": "application/xml"}, body: rope{document}}, nil
	}
	switch name {
	case "lifecycle":
		return reply{}, errNoLifecycle
	case "encryption":
		if s.setting(q) == SettingEmpty {
			return reply{}, errNoEncryption
		}
		return documentReply(encryptionDocument{Algorithm: "AES256"}), nil // since 2023, whatever is set
	}
	return documentReply(loggingDocument{}), nil
}

func (s *Server) putSetting(q *request) (reply, error) {
	switch s.setting(q) {
	case SettingRefused, SettingEmpty:
		return reply{}, errNotImplemented
	case SettingUnseen: // it is to make a bucket
		return reply{}, errBucketExists
	}
	var document struct{ XMLName xml.Name }
	if err := xml.Unmarshal(q.body, &document); err != nil {
		return reply{}, errMalformedXML
	}
	body := slices.Clone(q.body)
	return reply{apply: func() { q.bucket.settings[q.operation.needs] = body }}, nil
}
