//! What the planner is told of `has_attribute(name, value)`: `value = ANY (roster.attribute_values(name))` finds
//! the same rows, through an index on the value if there is one.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid, TEXTARRAYOID, TEXTOID};

use super::call::Call;
use super::helpers::{guarded, native};

// `internal` in, `internal` out, and never NULL, which would fail the plan. SQL cannot call such a function.
native!(pg_finfo_roster_has_attribute_support, roster_has_attribute_support, |call: &Call| guarded(|| {
    answer(call.pointer(0))
}));

const ATTRIBUTE_VALUES: &CStr = c"attribute_values";

/// The position of `value` in `has_attribute(name, value)`.
const VALUE: i32 = 1;

/// The planner asks a support function for all it may know; null means "no answer".
fn answer(request: *mut pg_sys::Node) -> Datum {
    // SAFETY: the planner passes a request whose tag says what it is.
    unsafe {
        match (*request).type_ {
            pg_sys::NodeTag::T_SupportRequestIndexCondition => {
                Datum::from(index_condition(&mut *request.cast()))
            }
            pg_sys::NodeTag::T_SupportRequestSelectivity if estimate(&mut *request.cast()) => {
                Datum::from(request)
            }
            _ => Datum::from(0usize),
        }
    }
}

/// A list with one clause that an index scan can follow and that needs no second look; null if there is none.
unsafe fn index_condition(request: &mut pg_sys::SupportRequestIndexCondition) -> *mut pg_sys::List {
    let none = std::ptr::null_mut();
    // SAFETY: the request describes a call and an index that the planner holds.
    unsafe {
        if request.indexarg != VALUE
            || (*request.node).type_ != pg_sys::NodeTag::T_FuncExpr
            || !suits(request)
        {
            return none;
        }
        let call = &*request.node.cast::<pg_sys::FuncExpr>();
        let (name, value) = arguments(call.args);
        if !pg_sys::is_pseudo_constant_for_index(request.root, name, request.index) {
            return none;
        }
        let equals = pg_sys::get_opfamily_member(
            request.opfamily,
            TEXTOID,
            TEXTOID,
            pg_sys::BTEqualStrategyNumber as i16,
        );
        let Some(clause) = any_clause(request.funcid, equals, request.indexcollation, name, value) else {
            return none;
        };
        request.lossy = false;
        pg_sys::lappend(none, clause.cast())
    }
}

/// Equal bytes must be what the index calls equal. And rows must come in the order of the index: up to
/// PostgreSQL 16 the planner sees to that only for an array it can see, not for one behind a function.
unsafe fn suits(request: &pg_sys::SupportRequestIndexCondition) -> bool {
    let first_column_only = cfg!(any(feature = "pg15", feature = "pg16"));
    // SAFETY: as above.
    unsafe {
        (*request.index).relam == pg_sys::BTREE_AM_OID
            && (request.indexcol == 0 || !first_column_only)
            && pg_sys::get_collation_isdeterministic(request.indexcollation)
    }
}

/// The share of rows is that of the values which the user has right now.
unsafe fn estimate(request: &mut pg_sys::SupportRequestSelectivity) -> bool {
    // SAFETY: as above.
    unsafe {
        let (name, value) = arguments(request.args);
        let equals = pg_sys::Oid::from(pg_sys::TextEqualOperator);
        let Some(clause) = any_clause(request.funcid, equals, request.inputcollid, name, value) else {
            return false;
        };
        request.selectivity = pg_sys::clause_selectivity(
            request.root,
            clause.cast(),
            request.varRelid,
            request.jointype,
            request.sjinfo,
        );
        true
    }
}

unsafe fn arguments(list: *mut pg_sys::List) -> (*mut pg_sys::Node, *mut pg_sys::Node) {
    // SAFETY: has_attribute has two arguments.
    unsafe { (pg_sys::list_nth(list, 0).cast(), pg_sys::list_nth(list, VALUE).cast()) }
}

/// `value = ANY (attribute_values(name))`; None if one of its parts does not exist.
unsafe fn any_clause(
    has_attribute: Oid,
    equals: Oid,
    collation: Oid,
    name: *mut pg_sys::Node,
    value: *mut pg_sys::Node,
) -> Option<*mut pg_sys::ScalarArrayOpExpr> {
    // SAFETY: nodes are made as the parser makes them, of copies.
    unsafe {
        let attribute_values = sibling(has_attribute)?;
        if equals == pg_sys::InvalidOid {
            return None;
        }
        let (name, value) = (copy(name), copy(value));
        let values = pg_sys::makeFuncExpr(
            attribute_values,
            TEXTARRAYOID,
            pg_sys::lappend(std::ptr::null_mut(), name.cast()),
            pg_sys::DEFAULT_COLLATION_OID,
            pg_sys::DEFAULT_COLLATION_OID,
            pg_sys::CoercionForm::COERCE_EXPLICIT_CALL,
        );
        let clause =
            pg_sys::palloc0(size_of::<pg_sys::ScalarArrayOpExpr>()).cast::<pg_sys::ScalarArrayOpExpr>();
        (*clause).xpr.type_ = pg_sys::NodeTag::T_ScalarArrayOpExpr;
        (*clause).opno = equals;
        (*clause).opfuncid = pg_sys::get_opcode(equals);
        (*clause).useOr = true;
        (*clause).inputcollid = collation;
        (*clause).args = pg_sys::lappend(pg_sys::lappend(std::ptr::null_mut(), value.cast()), values.cast());
        (*clause).location = -1;
        Some(clause)
    }
}

unsafe fn copy(node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: a node of the planner.
    unsafe { pg_sys::copyObjectImpl(node.cast()).cast() }
}

/// `attribute_values(text)` of the schema that has_attribute is in. No search_path is asked: it belongs to the user.
unsafe fn sibling(has_attribute: Oid) -> Option<Oid> {
    // SAFETY: a look into the system cache, with the keys that it has.
    let found = unsafe {
        let types = pg_sys::buildoidvector([TEXTOID].as_ptr(), 1);
        pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32,
            pg_sys::Anum_pg_proc_oid as pg_sys::AttrNumber,
            Datum::from(ATTRIBUTE_VALUES.as_ptr()),
            Datum::from(types),
            Datum::from(pg_sys::get_func_namespace(has_attribute)),
            Datum::from(0usize),
        )
    };
    (found != pg_sys::InvalidOid).then_some(found)
}
