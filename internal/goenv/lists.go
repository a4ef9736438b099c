package goenv

import (
	"errors"
	"strings"
)

// Proxy is one entry of GOPROXY.
type Proxy struct {
	// URL is without a slash at the end; empty for direct and off.
	URL string
	// Direct stands for the entry "direct", Off for "off".
	Direct, Off bool
	// AnyError reports that the entry is followed by "|": the next one is asked
	// after any error, not only when this one does not have the module.
	AnyError bool
}

// Proxies splits GOPROXY as the go command does (cmd/go/internal/modfetch,
// proxyList): entries end in a comma or a pipe, an entry without a scheme gets
// https, and nothing after direct or off counts. It does not judge the URLs.
func Proxies(text string) []Proxy {
	var list []Proxy
	for rest := text; rest != ""; {
		entry, after := rest, ""
		anyError := false
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			entry, after, anyError = rest[:i], rest[i+1:], rest[i] == '|'
		}
		rest = after
		switch entry = strings.TrimSpace(entry); entry {
		case "":
			continue
		case "direct":
			return append(list, Proxy{Direct: true})
		case "off":
			return append(list, Proxy{Off: true})
		}
		if strings.ContainsAny(entry, ".:/") && !strings.Contains(entry, ":/") && !isAbs(entry) {
			entry = "https://" + entry
		}
		list = append(list, Proxy{URL: strings.TrimRight(entry, "/"), AnyError: anyError})
	}
	return list
}

// SumDB is what GOSUMDB says.
type SumDB struct {
	Key string // the name of a database whose key is known, or its key
	URL string // where it is asked, past every proxy; "" for the usual ways
	Off bool
}

// chinaSumDB is another address of the same database, by cmd/go/internal/modfetch (dbDial).
const chinaSumDB = "sum.golang.google.cn"

// ParseSumDB reads GOSUMDB as the go command does: "name", "key", "name url" or
// "key url". It does not judge key and URL. Unlike the go command it takes an
// empty text for the default.
func ParseSumDB(text string) (SumDB, error) {
	if text == "off" {
		return SumDB{Off: true}, nil
	}
	if text == chinaSumDB {
		return SumDB{Key: DefaultSumDB, URL: "https://" + chinaSumDB}, nil
	}
	switch fields := strings.Fields(text); len(fields) {
	case 0:
		return SumDB{Key: DefaultSumDB}, nil
	case 1:
		return SumDB{Key: fields[0]}, nil
	case 2:
		return SumDB{Key: fields[0], URL: strings.TrimRight(fields[1], "/")}, nil
	}
	return SumDB{}, errors.New("has more than two fields")
}

// Name returns the name of the database: a key is name, hash and key, separated by "+".
func (s SumDB) Name() string {
	name, _, _ := strings.Cut(s.Key, "+")
	return name
}

// Flags splits GOFLAGS as the go command does (cmd/internal/quoted): a word may
// stand in quotes as a whole. It does not judge the words.
func Flags(text string) ([]string, error) {
	const space = " \t\n\r"
	var words []string
	for {
		text = strings.TrimLeft(text, space)
		if text == "" {
			return words, nil
		}
		if quote := text[0]; quote == '"' || quote == '\'' {
			word, rest, closed := strings.Cut(text[1:], string(quote))
			if !closed {
				return words, errors.New("unterminated " + string(quote) + " string")
			}
			words, text = append(words, word), rest
			continue
		}
		end := strings.IndexAny(text, space)
		if end < 0 {
			end = len(text)
		}
		words, text = append(words, text[:end]), text[end:]
	}
}
