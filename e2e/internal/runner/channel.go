package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Event is what a process of the suite reports to the command.
type Event struct {
	// Process is the number of the process, from 1.
	Process int     `json:"process"`
	Total   int     `json:"total,omitempty"` // how many specs are to run
	Began   string  `json:"began,omitempty"` // a spec began
	Ended   string  `json:"ended,omitempty"` // a spec ended, as State
	State   string  `json:"state,omitempty"`
	Message string  `json:"message,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	// Waits is what the running spec waits for, sent from time to time.
	Waits string `json:"waits,omitempty"`
	// Broken says what the recording of the running spec shows broken so far, as soon as it does.
	Broken string `json:"broken,omitempty"`
}

// channel is the command's end of the socket that the processes of the suite connect to.
type channel struct {
	listener net.Listener
	events   chan Event
	reading  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// listen opens the socket at the path. The events of all connections must be received until the channel of events is closed.
func listen(ctx context.Context, path string) (*channel, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	c := &channel{listener: l, events: make(chan Event)}
	c.reading.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			c.reading.Go(func() { c.read(conn) })
		}
	})
	return c, nil
}

func (c *channel) read(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for in := bufio.NewReader(conn); ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return // with what was cut off: progress decides nothing
		}
		var e Event
		// Closing the connection over a line that cannot be read would interrupt the process.
		if json.Unmarshal(line, &e) == nil {
			c.events <- e
		}
	}
}

// lastWords is how long events that were sent already are read after the suite's processes have ended.
const lastWords = time.Second

// close ends the socket once what was sent over it is received, and closes the channel of events.
func (c *channel) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.conns {
		_ = conn.SetReadDeadline(time.Now().Add(lastWords))
	}
	c.mu.Unlock()
	c.reading.Wait()
	close(c.events)
}

// Connection is the end of the socket in a process of the suite.
type Connection struct {
	conn net.Conn
	mu   sync.Mutex
}

// Connect connects this process to the command that listens at the path. If the command ends before ctx does, however it ends, its folder
// is removed in its place and lost is called once. The error says that nobody listens.
func Connect(ctx context.Context, path string, lost func()) (*Connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	go func() {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		_, _ = conn.Read(make([]byte, 1)) // the command sends nothing: the read ends with the connection
		if ctx.Err() == nil {
			removeFolder(path)
			lost()
		}
	}()
	return &Connection{conn: conn}, nil
}

// socketName is the name of the socket, folderPrefix begins that of its folder, which holds the link to the suite as well.
const socketName, folderPrefix = "socket", "conformance-"

// removeFolder removes the folder of a command's socket, and only what the command made there: the path came in a flag.
func removeFolder(socket string) {
	dir := filepath.Dir(socket)
	if filepath.Base(socket) != socketName || !strings.HasPrefix(filepath.Base(dir), folderPrefix) {
		return
	}
	for _, name := range []string{socketName, suiteName, SettingsFile} {
		_ = os.Remove(filepath.Join(dir, name))
	}
	_ = os.Remove(dir) // fails if it holds anything else
}

// Send reports an event.
func (c *Connection) Send(e Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.NewEncoder(c.conn).Encode(e)
}
