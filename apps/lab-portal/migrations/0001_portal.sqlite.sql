-- The portal's tables. Every row belongs to a lab; every index that serves a
-- list begins with it and ends with the key, which breaks ties.

CREATE TABLE labs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    city TEXT NOT NULL,
    country TEXT NOT NULL,
    phone TEXT,
    lat REAL NOT NULL,
    lng REAL NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TABLE clinics (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    city TEXT NOT NULL,
    phone TEXT,
    opens TEXT NOT NULL,
    closes TEXT NOT NULL,
    lat REAL NOT NULL,
    lng REAL NOT NULL,
    active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX clinics_name ON clinics (lab_id, name, id);
CREATE INDEX clinics_city ON clinics (lab_id, city, name, id);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    clinic_id INTEGER REFERENCES clinics (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    phone TEXT,
    role TEXT NOT NULL
        CHECK (role IN ('LOGISTICS_MANAGE', 'LOGISTICS_EXECUTE', 'CLINIC')),
    active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX users_name ON users (lab_id, name, id);
CREATE INDEX users_role ON users (lab_id, role, name, id);
CREATE INDEX users_clinic ON users (clinic_id);

CREATE TABLE vehicles (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    plate TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    cooled BOOLEAN NOT NULL DEFAULT TRUE,
    boxes INTEGER NOT NULL CHECK (boxes > 0),
    active BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE INDEX vehicles_plate ON vehicles (lab_id, plate, id);

-- A driver is a user: one key for both.
CREATE TABLE drivers (
    id INTEGER PRIMARY KEY REFERENCES users (id),
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    vehicle_id INTEGER REFERENCES vehicles (id),
    name TEXT NOT NULL,
    phone TEXT,
    status TEXT NOT NULL DEFAULT 'off_duty'
        CHECK (status IN ('off_duty', 'available', 'on_route', 'break')),
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX drivers_name ON drivers (lab_id, name, id);
CREATE INDEX drivers_status ON drivers (lab_id, status, name, id);
CREATE INDEX drivers_vehicle ON drivers (vehicle_id);

CREATE TABLE routes (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    driver_id INTEGER REFERENCES drivers (id),
    vehicle_id INTEGER REFERENCES vehicles (id),
    name TEXT NOT NULL,
    day TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'planned'
        CHECK (status IN ('planned', 'started', 'completed', 'cancelled')),
    starts_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX routes_day ON routes (lab_id, day, id);
CREATE INDEX routes_start ON routes (lab_id, starts_at, id);
CREATE INDEX routes_status ON routes (lab_id, status, starts_at, id);
CREATE INDEX routes_driver ON routes (driver_id, starts_at, id);
CREATE INDEX routes_vehicle ON routes (vehicle_id);

CREATE TABLE route_stops (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    route_id INTEGER NOT NULL REFERENCES routes (id) ON DELETE CASCADE,
    clinic_id INTEGER NOT NULL REFERENCES clinics (id),
    driver_id INTEGER REFERENCES drivers (id),
    position INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'arrived', 'completed', 'failed')),
    notes TEXT,
    proof JSON CHECK (proof IS NULL OR json_valid(proof)),
    lat REAL NOT NULL,
    lng REAL NOT NULL,
    due_at TIMESTAMP NOT NULL,
    arrived_at TIMESTAMP,
    completed_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX route_stops_route ON route_stops (lab_id, route_id, position, id);
CREATE INDEX route_stops_driver ON route_stops (lab_id, driver_id, position, id);
CREATE INDEX route_stops_status ON route_stops (lab_id, status, created_at, id);
CREATE INDEX route_stops_clinic ON route_stops (lab_id, clinic_id, created_at, id);
CREATE INDEX route_stops_position ON route_stops (lab_id, position, id);
CREATE INDEX route_stops_created ON route_stops (lab_id, created_at, id);
CREATE INDEX route_stops_due ON route_stops (lab_id, due_at, id);
-- What a foreign key looks up when its target goes.
CREATE INDEX route_stops_of_route ON route_stops (route_id);
CREATE INDEX route_stops_of_clinic ON route_stops (clinic_id);

CREATE TABLE pickup_requests (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    clinic_id INTEGER NOT NULL REFERENCES clinics (id),
    requested_by INTEGER REFERENCES users (id),
    driver_id INTEGER REFERENCES drivers (id),
    status TEXT NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'assigned', 'collected', 'cancelled')),
    priority TEXT NOT NULL DEFAULT 'routine'
        CHECK (priority IN ('routine', 'urgent', 'stat')),
    notes TEXT,
    ready_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX pickup_requests_status
    ON pickup_requests (lab_id, status, created_at, id);
CREATE INDEX pickup_requests_created ON pickup_requests (lab_id, created_at, id);
CREATE INDEX pickup_requests_ready ON pickup_requests (lab_id, ready_at, id);
CREATE INDEX pickup_requests_clinic ON pickup_requests (clinic_id, created_at, id);
CREATE INDEX pickup_requests_driver ON pickup_requests (driver_id, created_at, id);

CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    lab_id INTEGER NOT NULL REFERENCES labs (id),
    stop_id INTEGER NOT NULL REFERENCES route_stops (id) ON DELETE CASCADE,
    clinic_id INTEGER NOT NULL REFERENCES clinics (id),
    barcode TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL
        CHECK (kind IN ('blood', 'urine', 'swab', 'tissue', 'culture')),
    tubes INTEGER NOT NULL CHECK (tubes > 0),
    temperature REAL,
    status TEXT NOT NULL DEFAULT 'expected'
        CHECK (status IN ('expected', 'collected', 'delivered', 'rejected')),
    collected_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX samples_status ON samples (lab_id, status, created_at, id);
CREATE INDEX samples_kind ON samples (lab_id, kind, created_at, id);
CREATE INDEX samples_created ON samples (lab_id, created_at, id);
CREATE INDEX samples_stop ON samples (stop_id, created_at, id);
CREATE INDEX samples_clinic ON samples (clinic_id, created_at, id);
